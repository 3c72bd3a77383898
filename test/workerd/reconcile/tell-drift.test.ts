import { expect, test } from 'vitest'
import { TOLD_MAX, tellDrift } from '../../../durable-objects/stock/audit.ts'
import type { StockDrift } from '../../../schema/rpc/stock.ts'

const WHOLE = { after: '', upTo: null, unsure: [] }
const order = (purchaseId: string, found = 1): StockDrift => ({
  kind: 'allocation_without_order',
  orderId: `ord_${purchaseId}`,
  found,
  expected: 0,
})
const counter = (found: number): StockDrift => ({
  kind: 'counter',
  counter: 'onHand',
  where: 'main',
  found,
  expected: 5,
  by: 'ledger',
})

test('a drift is news once, and again when it says something else', () => {
  const first = tellDrift({}, WHOLE, [order('a'), counter(6)])
  expect(first.isNews).toBe(true)
  expect(tellDrift(first.told, WHOLE, [order('a'), counter(6)])).toEqual({ told: first.told, isNews: false })
  expect(tellDrift(first.told, WHOLE, [order('a'), counter(7)]).isNews).toBe(true)
  expect(tellDrift(first.told, WHOLE, [order('a', 2), counter(6)]).isNews).toBe(true)
})

test('what is gone is forgotten without a word, and is news when it comes back', () => {
  const { told } = tellDrift({}, WHOLE, [order('a'), order('b')])
  const less = tellDrift(told, WHOLE, [order('b')])
  expect(less.isNews).toBe(false)
  expect(tellDrift(less.told, WHOLE, [order('a'), order('b')]).isNews).toBe(true)
})

test('a page says nothing of what it has not seen', () => {
  const { told } = tellDrift({}, WHOLE, [counter(6), order('a'), order('c'), order('e'), order('g')])
  const page = tellDrift(told, { after: 'b', upTo: 'f', unsure: ['e'] }, [])
  expect(page.isNews).toBe(false)
  expect(tellDrift(page.told, WHOLE, [counter(6), order('a'), order('e'), order('g')]).isNews).toBe(false)
  expect(tellDrift(page.told, WHOLE, [order('c')]).isNews).toBe(true)
  const first = tellDrift(told, { after: '', upTo: 'f', unsure: [] }, [])
  expect(Object.keys(first.told)).toEqual(['order/g'])
})

test(`no more than ${TOLD_MAX} are kept, and those beyond are news to nobody, however often they are found`, () => {
  const many = Array.from({ length: TOLD_MAX + 1 }, (_, i) => order(String(i).padStart(4, '0')))
  const at = tellDrift({}, WHOLE, many.slice(0, TOLD_MAX))
  expect([at.isNews, Object.keys(at.told).length]).toEqual([true, TOLD_MAX])
  const past = tellDrift(at.told, WHOLE, many)
  expect([past.isNews, Object.keys(past.told).length]).toEqual([false, TOLD_MAX])
})
