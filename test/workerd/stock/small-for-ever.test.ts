import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { migrate } from '../../../durable-objects/migrate.ts'
import { MIGRATIONS } from '../../../durable-objects/stock/migrations.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { HOLD_MS, STORE, StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const DAY_MS = 24 * 3600 * 1000

const rowsIn = (stock: StockItem, table: 'movement' | 'reservation') =>
  runInDurableObject(stock.stub, (_, state) =>
    Number(state.storage.sql.exec(`select count(*) as rows from ${table}`).one().rows),
  )

/** What the relay does, until the object has nothing more to tell. Answers all sequences. */
async function relayed(stock: StockItem): Promise<number[]> {
  const sequences: number[] = []
  for (;;) {
    const { events, document, hasMore } = await stock.rpc.pull(500)
    sequences.push(...events.map(({ sequence }) => sequence))
    await stock.rpc.confirm(events.at(-1)?.outbox ?? 0, document?.version ?? null)
    if (!hasMore) return sequences
  }
}

async function touch(stock: StockItem, times: number, name = 'p') {
  for (let i = 0; i < times; i++) {
    await stock.reserve(`${name}${i}`, 1)
    await stock.release(`${name}${i}`)
  }
}

describe('old movements', () => {
  test('leave the object once the log has them, and their sums stay', async () => {
    const stock = new StockItem()
    await stock.receive(10)
    await stock.reserve('kept', 3)
    await touch(stock, 200)
    const before = (await stock.rpc.levels())!.levels
    expect(await rowsIn(stock, 'movement')).toBe(before.sequence)
    await relayed(stock)
    expect(await rowsIn(stock, 'movement')).toBe(100)
    expect((await stock.rpc.levels())!.levels).toEqual(before)
    await evictDurableObject(stock.stub)
    await stock.allocate('kept', 3)
    expect((await stock.rpc.levels())!.levels).toMatchObject({
      onHand: 10,
      reserved: 0,
      allocated: 3,
      sequence: before.sequence + 1,
    })
  })

  test('stay while the log does not have them, whatever is confirmed twice or too early', async () => {
    const stock = new StockItem()
    await stock.receive(10)
    await touch(stock, 150)
    await stock.rpc.confirm(20, null)
    await stock.rpc.confirm(10, null)
    expect(await rowsIn(stock, 'movement')).toBe(302)
    expect(await relayed(stock)).toEqual(Array.from({ length: 282 }, (_, i) => i + 21))
  })

  test('end the pages of the ledger with the word that the log has the rest', async () => {
    const stock = new StockItem()
    await stock.receive(10)
    await touch(stock, 150)
    await relayed(stock)
    const first = await stock.rpc.movements({ before: null, limit: 60 })
    expect([first.movements.length, first.olderInLog]).toEqual([60, false])
    const last = await stock.rpc.movements({ before: first.movements.at(-1)!.sequence, limit: 60 })
    expect([last.movements.length, last.olderInLog]).toEqual([40, true])
    expect(await stock.rpc.movements({ before: 50, limit: 60 })).toEqual({ movements: [], olderInLog: true })
  })
})

test('ended reservations are forgotten a week after their end, and live ones never', async () => {
  testClock.freeze(Date.now())
  const stock = new StockItem()
  await stock.receive(10)
  await stock.reserve('ordered', 1)
  await stock.allocate('ordered', 1)
  await touch(stock, 120, 'old')
  await relayed(stock)
  expect(await rowsIn(stock, 'reservation')).toBe(121)
  testClock.advance(7 * DAY_MS + 1)
  await touch(stock, 60, 'new')
  await relayed(stock)
  expect(await rowsIn(stock, 'reservation')).toBe(61)
  expect(await stock.counts()).toEqual([10, 0, 1, 9])
  expect(await stock.deallocate('ordered', 1)).toEqual({ ok: true })
})

test('ended reservations behind thousands of orders are forgotten too, however often the object is evicted', async () => {
  testClock.freeze(Date.now())
  const stock = new StockItem()
  await stock.receive(3_000)
  await runInDurableObject(stock.stub, (_, { storage: { sql } }) => {
    sql.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 2500)
      insert into reservation (purchase_id, version, state, quantity, expires_at, order_id, shares, beyond_hand, since)
      select printf('a%04d', i), 1, 'allocated', 1, 0, 'ord', '[{"location":"main","lot":"","quantity":1}]', 0, i from n`)
    sql.exec('update position set allocated = 2500')
  })
  await evictDurableObject(stock.stub)
  await touch(stock, 120, 'old')
  testClock.advance(7 * DAY_MS + 1)
  for (const name of ['new', 'newer']) {
    await evictDurableObject(stock.stub)
    await touch(stock, 60, name)
    await relayed(stock)
  }
  expect(await rowsIn(stock, 'reservation')).toBe(2_500 + 120)
})

test('large events are pulled a few megabytes at a time, the first of them however large it is', async () => {
  const stock = new StockItem()
  const positions = Array.from({ length: 499 }, (_, i) => ({
    location: `a-location-with-a-long-name-as-some-of-them-have-${i}`,
    locationPriority: i,
    lot: '',
    safetyStock: 1,
  }))
  await stock.policy({}, positions)
  for (let i = 0; i < 70; i++) await stock.receive(1)
  const sequences: number[] = []
  for (;;) {
    const { events, hasMore } = await stock.rpc.pull(500)
    const characters = events.reduce((sum, { data }) => sum + data.length, 0)
    expect(characters).toBeLessThan(4_000_000)
    sequences.push(...events.map(({ sequence }) => sequence))
    await stock.rpc.confirm(events.at(-1)!.outbox, null)
    if (!hasMore) break
    expect(characters).toBeGreaterThan(3_800_000)
  }
  expect(sequences.length).toBeGreaterThan(70)
  expect(sequences).toEqual(sequences.map((_, i) => i + 1))
})

test('what the first version wrote is read and goes on', async () => {
  testClock.freeze(Date.now())
  const stock = new StockItem()
  await runInDurableObject(stock.stub, (_, { storage: { sql } }) => {
    migrate(sql, MIGRATIONS.slice(0, 1))
    const policy = {
      safetyStock: 0,
      backorderLimit: 0,
      availableOn: null,
      lowStockThreshold: null,
      saleStartsAt: null,
      saleEndsAt: null,
    }
    sql.exec(
      `insert into item (id, store, policy, policy_version, store_low_stock_threshold, band) values (1, ?, ?, 1, 2, 'in_stock')`,
      JSON.stringify(STORE),
      JSON.stringify(policy),
    )
    // Two of the five were lost under the first version: it left the promises where they were.
    sql.exec(`insert into position values ('main', '', null, 0, 3, 2, 3, 0)`)
    const share = (quantity: number) => JSON.stringify([{ location: 'main', lot: '', quantity }])
    const save = (...row: unknown[]) =>
      sql.exec(`insert into reservation values (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`, ...(row as string[]))
    save('cart', 1, 'held', 2, now() + HOLD_MS, null, share(2), 2, null)
    save('order', 1, 'allocated', 3, now() + HOLD_MS, 'ord_order', share(3), 3, '["c1"]')
    save('gone', now(), 'released', 0, null, null, '[]', 4, null)
    const data = JSON.stringify({ movement: { sequence: 1, type: 'receive', deltas: [] } })
    sql.exec(`insert into movement values (1, 'u', 'receive', 'stock.received', 0, ?)`, data)
  })
  await evictDurableObject(stock.stub)
  expect(await stock.counts()).toEqual([3, 2, 3, 0])
  expect(await stock.ledger()).toMatchObject([{ sequence: 1, disposition: null }])
  expect(await stock.release('gone', now())).toEqual({ ok: true })
  expect(await stock.deallocate('order', 1, 'c1')).toEqual({ ok: true })
  expect(await stock.fulfill('order', 1)).toMatchObject({ ok: true })
  // The first movement of the new version sees to the promises that had lost their goods: the cart's.
  expect(await stock.allocate('cart', 2)).toMatchObject({
    code: 'insufficient_stock',
    facts: { available: 0 },
  })
  expect(await stock.counts()).toEqual([2, 2, 2, 0])
})
