import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { Cost } from '../../../bench/stock/cost.ts'
import { growHistory, rowsOf } from '../../../bench/stock/worker/history.ts'
import { Meter } from '../../../bench/stock/worker/meter.ts'
import figures from '../../../docs/stock-figures.md?raw'
import { now, testClock } from '../../../runtime/clock.ts'
import { HOLD_MS, StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()

/** The rows that a page's table has for each command. */
function documented(): Map<string, { written: number; read: number }> {
  const rows = [...figures.matchAll(/^\| (\S[^|]*?) +\| +(\d+) +\| +(\d+) +\|/gm)]
  return new Map(
    rows.map(([, command, written, read]) => [command!, { written: Number(written), read: Number(read) }]),
  )
}

/** Awake, with 100 units at `main`, a hold `held` of 2 and an order `ordered` of 2. */
async function itemAtWork(): Promise<StockItem> {
  const stock = new StockItem()
  await stock.receive(100)
  await stock.reserve('held', 2)
  await stock.reserve('ordered', 2)
  await stock.allocate('ordered', 2)
  return stock
}

async function costOf(stock: StockItem, work: () => Promise<unknown>): Promise<Cost> {
  const meter = await runInDurableObject(stock.stub, (_, state) => new Meter(state.storage.sql))
  await work()
  return runInDurableObject(stock.stub, () => meter.take())
}

const COMMANDS: Record<string, (stock: StockItem) => Promise<unknown>> = {
  reserve: (stock) => stock.reserve('new', 3),
  'reserve, another quantity': (stock) => stock.reserve('held', 3),
  'reserve, only prolonged': (stock) => stock.reserve('held', 2, { expiresAt: now() + 2 * HOLD_MS }),
  allocate: (stock) => stock.allocate('held', 2),
  release: (stock) => stock.release('held'),
  'release that came before its reserve': (stock) => stock.release('new'),
  deallocate: (stock) => stock.deallocate('ordered', 2),
  fulfill: (stock) => stock.fulfill('ordered', 2),
  'receive, adjust, count, return': (stock) => stock.receive(5),
  refusal: (stock) => stock.reserve('new', 1_000),
  repeat: (stock) => stock.allocate('ordered', 2),
  'levels, availability': async (stock) => [await stock.rpc.levels(), await stock.rpc.availability(2)],
}

describe('what a command costs is what docs/stock-figures.md says', () => {
  test('of every command, and of no other', () => {
    expect([...documented().keys()]).toEqual(Object.keys(COMMANDS))
  })

  test.each(Object.entries(COMMANDS))('%s', async (command, work) => {
    const stock = await itemAtWork()
    const { rowsRead, rowsWritten } = await costOf(stock, () => work(stock))
    expect({ written: rowsWritten, read: rowsRead }).toEqual(documented().get(command))
  })
})

describe('what is counted apart', () => {
  test('a further position is a row more', async () => {
    const stock = await itemAtWork()
    await stock.receive(100, { location: 'annex', locationPriority: 1 })
    const { written } = documented().get('reserve')!
    const over = await costOf(stock, () => stock.reserve('both', 150))
    expect(over.rowsWritten).toBe(written + 1)
  })

  test('a band crossing is two: its event and the band', async () => {
    const stock = await itemAtWork()
    testClock.advance(2_000)
    const { written } = documented().get('reserve')!
    const crossing = await costOf(stock, () => stock.reserve('most', 95))
    testClock.reset()
    expect(crossing.rowsWritten).toBe(written + 2)
  })

  test('a confirmation by the relay is one, and one for each movement that leaves and for their sums', async () => {
    const stock = await itemAtWork()
    const confirmed = await costOf(stock, () => stock.rpc.confirm(3, 3))
    expect(confirmed.rowsWritten).toBe(1)
    for (let i = 0; i < 250; i++) await stock.reserve('held', 3 + (i % 2))
    const { levels } = (await stock.rpc.levels())!
    const leaving = levels.sequence - 100
    const pruned = await costOf(stock, () => stock.rpc.confirm(levels.sequence, null))
    expect(pruned.rowsWritten).toBe(1 + 1 + leaving)
  })
})

test('a reservation that is forgotten a week after its end is one', async () => {
  const stock = new StockItem()
  await stock.receive(100)
  const touch = async (name: string, times: number) => {
    for (let i = 0; i < times; i++) {
      await stock.reserve(`${name}${i}`, 1)
      await stock.release(`${name}${i}`)
    }
  }
  await touch('old', 60)
  testClock.advance(8 * 24 * 3_600_000)
  await touch('new', 60)
  const { sequence } = (await stock.rpc.levels())!.levels
  const confirmed = await costOf(stock, () => stock.rpc.confirm(sequence, null))
  testClock.reset()
  expect(confirmed.rowsWritten).toBe(1 + 1 + (sequence - 100) + 60)
})

/** A million is counted by `npm run bench:stock -- --growth`. */
const HISTORIES = [10, 10_000, 100_000]

test('a reserve costs the same whatever is behind the item', async () => {
  const costs: Omit<Cost, 'statements'>[] = []
  for (const history of HISTORIES) {
    const stock = await itemAtWork()
    await stock.reserve('past', 1)
    await stock.release('past')
    await runInDurableObject(stock.stub, (_, state) => growHistory(state.storage, 'past', history))
    await evictDurableObject(stock.stub)
    await stock.reserve('waking', 1)
    const { rowsRead, rowsWritten } = await costOf(stock, () => stock.reserve('new', 1))
    costs.push({ rowsRead, rowsWritten })
    const [reservations, movements] = await runInDurableObject(stock.stub, (_, { storage: { sql } }) => [
      rowsOf(sql, 'reservation'),
      rowsOf(sql, 'movement'),
    ])
    expect(reservations).toBeGreaterThanOrEqual(history)
    expect(movements).toBeGreaterThanOrEqual(history)
  }
  expect(costs).toEqual(HISTORIES.map(() => costs[0]))
  expect(costs[0]!.rowsWritten).toBe(documented().get('reserve')!.written)
})
