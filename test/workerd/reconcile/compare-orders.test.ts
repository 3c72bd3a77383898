import { expect, test } from 'vitest'
import { compareOrders } from '../../../worker/reconcile/compare-orders.ts'

const allocated = (upTo: string | null, ...units: [string, number][]) => ({
  list: units.map(([purchaseId, quantity]) => ({ purchaseId, orderId: `ord_${purchaseId}`, quantity })),
  upTo,
})
const recorded = (upTo: string | null, ...units: [string, number][]) => ({
  list: units.map(([purchaseId, quantity]) => ({ orderId: `ord_${purchaseId}`, quantity })),
  upTo,
})
const difference = (purchaseId: string, inItem: number, inRecord: number) => ({
  purchaseId,
  allocated: inItem,
  recorded: inRecord,
})

test('two empty lists agree to the end', () => {
  expect(compareOrders(allocated(null), recorded(null), 9)).toEqual({ differences: [], count: 0, upTo: null })
})

test('what one list has and the other has not, or has otherwise, is a difference', () => {
  const found = compareOrders(
    allocated(null, ['a', 1], ['b', 2], ['d', 4]),
    recorded(null, ['a', 1], ['b', 3], ['c', 3]),
    9,
  )
  expect(found.differences).toEqual([difference('b', 2, 3), difference('c', 0, 3), difference('d', 4, 0)])
  expect(found).toMatchObject({ count: 4, upTo: null })
})

test('nothing is said of what lies beyond the end of the shorter list', () => {
  const [all, some] = [
    [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ],
    [
      ['a', 1],
      ['b', 1],
    ],
  ] as [[string, number][], [string, number][]]
  for (const found of [
    compareOrders(allocated(null, ...all), recorded('b', ...some), 9),
    compareOrders(allocated('b', ...some), recorded(null, ...all), 9),
    compareOrders(allocated('b', ...some), recorded('c', ...all), 9),
  ]) {
    expect(found).toEqual({ differences: [], count: 2, upTo: 'b' })
  }
})

test('a page ends with the last difference that it has room for, and the next begins after it', () => {
  const [item, record] = [allocated(null, ['a', 1], ['b', 1], ['c', 1], ['d', 1]), recorded(null, ['b', 1])]
  expect(compareOrders(item, record, 2)).toEqual({
    differences: [difference('a', 1, 0), difference('c', 1, 0)],
    count: 3,
    upTo: 'c',
  })
  expect(compareOrders(item, record, 3)).toMatchObject({ count: 4, upTo: null })
})
