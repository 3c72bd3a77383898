import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import type { Stock } from '../../../durable-objects/stock/stock.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { HOLD_MS, STORE, StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

/** An item with so many promises of one unit each, as if they had come one by one, and nothing free. */
async function crowd(
  count: number,
  state: 'held' | 'allocated',
  place: { lot: string; expiresAt: number | null } = { lot: '', expiresAt: null },
): Promise<StockItem> {
  const stock = new StockItem()
  await stock.receive(count, place)
  await runInDurableObject(stock.stub, (_, { storage: { sql } }) => {
    const shares = JSON.stringify([{ location: 'main', lot: place.lot, quantity: 1 }])
    sql.exec(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1)
       insert into reservation (purchase_id, version, state, quantity, expires_at, order_id, shares, beyond_hand, since)
       select printf('p%07d', i), 1, ?2, 1, ?3, iif(?2 = 'held', null, printf('ord_p%07d', i)), ?4, 0, i from n`,
      count,
      state,
      now() + HOLD_MS,
      shares,
    )
    sql.exec(`update position set ${state === 'held' ? 'reserved' : 'allocated'} = ?`, count)
    // Their movements, in one.
    const promised = { reserved: state === 'held' ? count : 0, allocated: state === 'held' ? 0 : count }
    const delta = { location: 'main', lot: place.lot, onHand: 0, ...promised }
    sql.exec(
      `insert into movement select max(sequence) + 1, 'u', 'reserve', 'stock.reserved', 0, ?1 from movement`,
      JSON.stringify({ movement: { deltas: [delta] } }),
    )
  })
  await evictDurableObject(stock.stub)
  return stock
}

describe('70,000 orders', () => {
  const COUNT = 70_000

  test('may lose their goods at once, when a lot ends, and get others at once', async () => {
    testClock.freeze(now())
    const stock = await crowd(COUNT, 'allocated', { lot: 'L', expiresAt: now() + HOLD_MS })
    testClock.advance(HOLD_MS)
    expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    expect(await stock.counts()).toEqual([0, 0, COUNT, 0])
    expect(await stock.receive(COUNT + 1)).toMatchObject({ ok: true })
    expect(await stock.counts()).toEqual([COUNT + 1, 0, COUNT, 1])
    expect((await stock.rpc.audit())!.drifts).toEqual([])
  }, 60_000)
})

test('5,000 holds that end together end by the thousand, each durable before the next, and none is lost', async () => {
  testClock.freeze(now())
  const stock = await crowd(5_000, 'held')
  testClock.advance(HOLD_MS)
  expect((await stock.rpc.availability(2)).available).toBe(5_000)
  const heldAtEachCommit = await runInDurableObject(stock.stub, async (object: Stock, { storage }) => {
    const held: number[] = []
    const commit = storage.sync.bind(storage)
    storage.sync = () => {
      const [row] = storage.sql.exec(`select count(*) as held from reservation where state = 'held'`)
      held.push(row!.held as number)
      return commit()
    }
    const command = { store: STORE, purchaseId: 'next', version: 1, quantity: 5_000, lowStockThreshold: 2 }
    expect(await object.reserve({ ...command, expiresAt: now() + HOLD_MS })).toMatchObject({ ok: true })
    return held
  })
  expect(heldAtEachCommit).toEqual(expect.arrayContaining([4_000, 3_000, 2_000, 1_000]))
  expect(await stock.counts()).toEqual([5_000, 5_000, 0, 0])
  const { movements } = await stock.rpc.movements({ before: null, limit: 5_002 })
  expect(movements.filter(({ type }) => type === 'expire')).toHaveLength(5_000)
  expect((await stock.rpc.audit())!.drifts).toEqual([])
}, 60_000)
