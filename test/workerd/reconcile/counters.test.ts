import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import type { CounterDrift } from '../../../schema/rpc/stock.ts'
import { HOLD_MS, StockItem, silenceQueue } from '../stock/stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

/** An item with two places, a lot, a hold, an order and a promise beyond hand. */
async function busyItem(): Promise<StockItem> {
  const item = new StockItem()
  await item.receive(10)
  await item.receive(15, { location: 'north', locationPriority: 1, lot: 'LOT-7' })
  await item.policy({ backorderLimit: 5 })
  await item.reserve('cart', 13)
  await item.reserve('order', 14)
  await item.allocate('order', 14)
  return item
}

async function drifts(item: StockItem): Promise<CounterDrift[]> {
  const audit = await item.rpc.audit()
  return audit!.drifts
}

async function execute(item: StockItem, ...statements: string[]): Promise<void> {
  await runInDurableObject(item.stub, (_, state) => {
    for (const statement of statements) state.storage.sql.exec(statement)
  })
  await evictDurableObject(item.stub)
}

function ledgerOf(item: StockItem): Promise<unknown[]> {
  return runInDurableObject(item.stub, (_, state) =>
    state.storage.sql.exec('select * from movement order by sequence').toArray(),
  )
}

test('an item that was never written to has no audit, and asking makes nothing', async () => {
  const item = new StockItem()
  expect(await item.rpc.audit()).toBeNull()
  expect(await item.rpc.document()).toBeNull()
  expect(await item.rpc.allocations({ after: '', limit: 10 })).toEqual({
    allocations: [],
    upTo: null,
    isDriftTold: false,
  })
  expect(await item.rpc.reportDrift({ scope: { after: '', upTo: null, unsure: [] }, drifts: [] })).toEqual({
    isTold: false,
  })
  expect(await item.tables()).toEqual([])
})

test('whatever an item went through, its counters are what the ledger and the reservations say', async () => {
  const item = await busyItem()
  expect(await drifts(item)).toEqual([])
  await item.deallocate('order', 4)
  await item.move({ type: 'adjust', quantity: -8, reason: 'damaged' })
  await item.release('cart')
  await item.receive(20)
  await item.reserve('late', 3)
  // An overdue hold that nobody has ended counts as it is written.
  testClock.advance(HOLD_MS + 1)
  expect(await drifts(item)).toEqual([])
  await item.reserve('next', 1)
  expect(await drifts(item)).toEqual([])
})

test('movements that have left the object for the log count on by their sums', async () => {
  const item = await busyItem()
  for (let i = 0; i < 120; i++) {
    await item.reserve('walker', 1 + (i % 2))
    await item.release('walker')
  }
  for (let hasMore = true; hasMore; ) {
    const pulled = await item.rpc.pull(500)
    await item.rpc.confirm(pulled.events.at(-1)!.outbox, pulled.document!.version)
    hasMore = pulled.hasMore
  }
  const { sequence, prunedSequence, drifts: found } = (await item.rpc.audit())!
  expect(prunedSequence).toBeGreaterThan(100)
  expect(prunedSequence).toBeLessThan(sequence)
  expect(found).toEqual([])
  await execute(item, `update item set pruned_sums = '[]'`)
  expect((await drifts(item)).length).toBeGreaterThan(0)
})

test.each([
  ['on_hand', 'main', '', 'onHand', ['ledger']],
  ['on_hand', 'north', 'LOT-7', 'onHand', ['ledger']],
  ['reserved', 'main', '', 'reserved', ['ledger', 'reservations']],
  ['reserved', 'north', 'LOT-7', 'reserved', ['ledger', 'reservations']],
  ['allocated', 'north', 'LOT-7', 'allocated', ['ledger', 'reservations']],
  ['allocated', '', '', 'allocated', ['ledger', 'reservations']],
] as const)(
  'a wrong %s at %s/%s is found, and who says otherwise',
  async (column, location, lot, counter, by) => {
    const item = await busyItem()
    const before = await ledgerOf(item)
    await execute(
      item,
      `update position set ${column} = ${column} + 1 where location = '${location}' and lot = '${lot}'`,
    )
    const where = location === '' ? 'beyond hand' : lot === '' ? location : `${location}/${lot}`
    const found = await drifts(item)
    expect(
      found.map((drift) => [drift.counter, drift.where, drift.found - drift.expected, drift.by]),
    ).toEqual(by.map((witness) => [counter, where, 1, witness]))
    expect(await ledgerOf(item)).toEqual(before)
  },
)
