import { afterEach, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const DAY = 24 * 60 * 60 * 1000

test.each([
  ['sold out before its date', true],
  ['written off at its date', false],
])('a lot that was %s takes goods of another date, whatever was written since', async (_, isSoldOut) => {
  const tea = new StockItem()
  testClock.freeze(Date.now())
  await tea.receive(3, { lot: 'L1', expiresAt: now() + DAY })
  if (isSoldOut) await tea.move({ type: 'count', quantity: 0, lot: 'L1' })
  testClock.advance(DAY)
  const again = await tea.receive(2, { lot: 'L1', expiresAt: null })
  expect(again.ok).toBe(true)
  expect(await tea.counts()).toEqual([2, 0, 0, 2])
})

test('the ledger says of a promise that lost its goods where it was, and nothing else of that place', async () => {
  const tea = new StockItem()
  await tea.receive(2, { lot: 'L1', expiresAt: now() + DAY })
  await tea.reserve('a', 2)
  await tea.move({ type: 'count', quantity: 0, lot: 'L1' })
  const { deltas } = (await tea.ledger()).at(-1)!
  expect(deltas).toEqual([
    { location: 'main', lot: 'L1', onHand: -2, reserved: -2, allocated: 0 },
    { location: '', lot: '', onHand: 0, reserved: 2, allocated: 0 },
  ])
})

test('an item that has had 500 lots without a date, and nothing of them any more, takes the next', async () => {
  const bolts = new StockItem()
  const lots = Array.from({ length: 500 }, (_, i) => `L${i}`)
  const kept = lots.map((lot) => ({ location: 'main', locationPriority: 0, lot, safetyStock: 1 }))
  await bolts.policy({}, kept)
  expect(await bolts.receive(1, { lot: 'NEXT' })).toMatchObject({ code: 'stock_conflict' })
  await bolts.policy({}, kept.slice(0, 1))
  expect(await bolts.receive(1, { lot: 'NEXT' })).toMatchObject({ ok: true })
  const { levels } = (await bolts.rpc.levels())!
  expect(levels.positions.map(({ lot, onHand }) => [lot, onHand])).toEqual([
    ['L0', 0],
    ['NEXT', 1],
  ])
})
