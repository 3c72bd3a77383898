import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { BAND_REST_MS } from '../../../durable-objects/stock/band.ts'
import { now, testClock, toIso } from '../../../runtime/clock.ts'
import type { OutboxEvent } from '../../../schema/rpc/source.ts'
import { nudged } from '../../support/nudges.ts'
import { HOLD_MS, STORE, StockItem, silenceQueue } from './stock-item.ts'

const queue = silenceQueue()
afterEach(() => {
  testClock.reset()
  queue.fail(false)
})

const alarmOf = (stock: StockItem) => runInDurableObject(stock.stub, (_, state) => state.storage.getAlarm())
const nudgesOf = async (stock: StockItem) =>
  (await nudged(queue.sent)).filter(({ key }) => key === stock.item)

test('every change is one event with what it moved and the levels after it, in wire form', async () => {
  testClock.freeze(now())
  const stock = new StockItem()
  await stock.receive(5, { lot: 'l', expiresAt: now() + 2 * HOLD_MS, reference: 'PO-1' })
  await stock.reserve('a', 2)
  const { events } = await stock.rpc.pull(10)
  const [received, crossed, reserved] = events.map((event) => ({ ...event, data: JSON.parse(event.data) }))
  expect(received).toMatchObject({
    outbox: 1,
    sequence: 1,
    type: 'stock.received',
    subject: `item:${stock.item}`,
    occurredAt: now(),
    data: {
      movement: { type: 'receive', sequence: 1, reference: 'PO-1', occurredAt: toIso(now()) },
      levels: { item: stock.item, onHand: 5, available: 5, sequence: 1 },
    },
  })
  expect(received!.id).toBe(received!.data.movement.id.replace('mov_', 'evt_'))
  expect(received!.data.levels.positions[0].expiresAt).toBe(toIso(now() + 2 * HOLD_MS))
  expect(crossed).toMatchObject({
    sequence: 2,
    type: 'stock.availability_changed',
    data: { item: stock.item, previous: 'out_of_stock', current: 'in_stock' },
  })
  expect(reserved).toMatchObject({
    sequence: 3,
    type: 'stock.reserved',
    data: {
      movement: { quantity: 2, purchaseId: 'a', expiresAt: toIso(now() + HOLD_MS) },
      levels: { reserved: 2 },
    },
  })
  expect((await stock.ledger()).map(({ sequence }) => sequence)).toEqual([1, 3])
})

test('pulled in small runs, with a crash and a repeated confirm between them, the run has no gap', async () => {
  const stock = new StockItem()
  await stock.receive(100)
  for (let i = 0; i < 8; i++) await stock.reserve(`p${i}`, 1)
  const seen: OutboxEvent[] = []
  for (;;) {
    const { events, hasMore, document } = await stock.rpc.pull(3)
    expect(await stock.rpc.pull(3)).toMatchObject({ events })
    seen.push(...events)
    await stock.rpc.confirm(events.at(-1)!.outbox, document!.version)
    await evictDurableObject(stock.stub)
    await stock.rpc.confirm(1, 1)
    if (!hasMore) break
  }
  expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(await stock.rpc.pull(3)).toEqual({ events: [], document: null, hasMore: false })
})

test('what does not exist yet cannot be confirmed away', async () => {
  const stock = new StockItem()
  await stock.receive(1)
  await stock.rpc.confirm(1_000, 1_000)
  await stock.reserve('a', 1)
  const { events } = await stock.rpc.pull(10)
  expect(events[0]).toMatchObject({ type: 'stock.reserved', sequence: 3 })
})

test('the document says what is there now and is never older than the run', async () => {
  const stock = new StockItem()
  await stock.receive(10, { location: 'b' })
  await stock.receive(10, { location: 'a' })
  await stock.reserve('p', 3)
  const { events, document } = await stock.rpc.pull(1)
  expect(events).toHaveLength(1)
  expect(document).toMatchObject({
    kind: 'availability',
    item: stock.item,
    version: 4,
    document: { band: 'in_stock', onHand: 20, reserved: 3, available: 17, locations: ['a', 'b'] },
  })
})

test('a policy alone is no event but a newer document, until it is recorded', async () => {
  const stock = new StockItem()
  await stock.receive(10)
  const before = await stock.rpc.pull(10)
  await stock.rpc.confirm(2, before.document!.version)
  await stock.policy({ safetyStock: 1 })
  const after = await stock.rpc.pull(10)
  expect(after).toMatchObject({ events: [], document: { document: { safetyStock: 1, available: 9 } } })
  expect(after.document!.version).toBeGreaterThan(before.document!.version)
  await stock.rpc.confirm(0, after.document!.version)
  expect(await stock.rpc.pull(10)).toEqual({ events: [], document: null, hasMore: false })
  await stock.policy({ safetyStock: 1 })
  expect((await stock.rpc.pull(10)).document).toBeNull()
})

describe('a band that shoppers see', () => {
  const toldBy = async (stock: StockItem) => {
    const { events } = await stock.rpc.pull(100)
    const crossings = events.filter(({ type }) => type === 'stock.availability_changed')
    return crossings.map(({ data }) => JSON.parse(data).current)
  }

  test('is told once for each crossing', async () => {
    const stock = new StockItem()
    testClock.freeze(Date.now())
    const changes = [
      () => stock.receive(4),
      () => stock.reserve('a', 1),
      () => stock.reserve('b', 1),
      () => stock.reserve('c', 2),
      () => stock.policy({ backorderLimit: 1 }),
    ]
    for (const change of changes) {
      await change()
      testClock.advance(BAND_REST_MS)
    }
    expect(await toldBy(stock)).toEqual(['in_stock', 'low_stock', 'out_of_stock', 'backorder'])
  })

  test('hovers at its threshold without a storm: what it is then is told when a second is over', async () => {
    const stock = new StockItem()
    testClock.freeze(Date.now())
    await stock.receive(3)
    for (let i = 0; i < 10; i++) {
      testClock.advance(20)
      await stock.reserve('a', 1)
      testClock.advance(20)
      await stock.release('a')
    }
    await stock.reserve('b', 1)
    expect(await toldBy(stock)).toEqual(['in_stock'])
    testClock.advance(BAND_REST_MS)
    await runDurableObjectAlarm(stock.stub)
    expect(await toldBy(stock)).toEqual(['in_stock', 'low_stock'])
    await runDurableObjectAlarm(stock.stub)
    expect(await toldBy(stock)).toEqual(['in_stock', 'low_stock'])
  })

  test('that came back within the second is not told', async () => {
    const stock = new StockItem()
    testClock.freeze(Date.now())
    await stock.receive(3)
    await stock.reserve('a', 1)
    await stock.release('a')
    testClock.advance(BAND_REST_MS)
    await runDurableObjectAlarm(stock.stub)
    expect(await toldBy(stock)).toEqual(['in_stock'])
  })

  test('is told though the clock went back an hour', async () => {
    const stock = new StockItem()
    testClock.freeze(Date.now())
    await stock.receive(3)
    testClock.advance(-3_600_000)
    await stock.reserve('a', 3)
    expect(await toldBy(stock)).toEqual(['in_stock', 'out_of_stock'])
  })

  test('that rests is told after an eviction too', async () => {
    const stock = new StockItem()
    testClock.freeze(Date.now())
    await stock.receive(3)
    await stock.reserve('a', 3)
    await evictDurableObject(stock.stub)
    testClock.advance(BAND_REST_MS)
    expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    expect(await toldBy(stock)).toEqual(['in_stock', 'out_of_stock'])
  })
})

describe('a change reaches the relay', () => {
  test('by one nudge, however many changes follow before it pulls', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    await stock.reserve('a', 1)
    await stock.reserve('b', 1)
    expect(await nudgesOf(stock)).toEqual([{ kind: 'stock', store: STORE, key: stock.item }])
    await stock.rpc.pull(10)
    await stock.reserve('c', 1)
    expect(await nudgesOf(stock)).toHaveLength(2)
  })

  test('by the alarm, again and again, while the queue fails; and the alarm outlives every failure', async () => {
    testClock.freeze(now())
    queue.fail(true)
    const stock = new StockItem()
    await stock.receive(5)
    for (const pauseMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000]) {
      expect(await alarmOf(stock)).toBe(now() + pauseMs)
      testClock.advance(pauseMs)
      expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    }
    expect(await nudgesOf(stock)).toEqual([])
    queue.fail(false)
    testClock.advance(60_000)
    await runDurableObjectAlarm(stock.stub)
    expect(await nudgesOf(stock)).toHaveLength(1)
  })

  test('by an alarm that survives its own failure, for the expiry of holds hangs on it', async () => {
    testClock.freeze(now())
    const stock = new StockItem()
    await stock.receive(5)
    await stock.reserve('a', 1)
    testClock.advance(HOLD_MS)
    const rename = (from: string, to: string) =>
      runInDurableObject(stock.stub, (_, state) => {
        state.storage.sql.exec(`alter table ${from} rename to ${to}`)
      })
    await rename('position', 'elsewhere')
    for (let failures = 0; failures < 8; failures++) {
      expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
      testClock.advance(5_000)
      expect(await alarmOf(stock)).toBe(now())
    }
    await rename('elsewhere', 'position')
    expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    expect((await stock.ledger()).map(({ type }) => type)).toEqual(['receive', 'reserve', 'expire'])
  })

  test('by the alarm after an eviction took the nudge with it', async () => {
    queue.fail(true)
    const stock = new StockItem()
    await stock.receive(5)
    await evictDurableObject(stock.stub)
    queue.fail(false)
    expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    expect(await nudgesOf(stock)).toHaveLength(1)
  })

  test('and once it is confirmed, nothing wakes the item but the next end of a hold', async () => {
    testClock.freeze(now())
    const stock = new StockItem()
    await stock.receive(5)
    await stock.reserve('a', 1)
    const { events, document } = await stock.rpc.pull(10)
    await stock.rpc.confirm(events.at(-1)!.outbox, document!.version)
    await runDurableObjectAlarm(stock.stub)
    expect(await alarmOf(stock)).toBe(now() + HOLD_MS)
    await stock.release('a')
    const rest = await stock.rpc.pull(10)
    await stock.rpc.confirm(rest.events.at(-1)!.outbox, rest.document!.version)
    await runDurableObjectAlarm(stock.stub)
    expect(await alarmOf(stock)).toBeNull()
  })
})
