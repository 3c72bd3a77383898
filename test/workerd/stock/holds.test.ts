import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import { HOLD_MS, StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

async function itemWith(onHand: number): Promise<StockItem> {
  const stock = new StockItem()
  await stock.receive(onHand)
  return stock
}

const typesOf = async (stock: StockItem) => (await stock.ledger()).map(({ type }) => type)

test('50 buyers racing for 10 units: 10 hold, 40 are refused, none is sold twice', async () => {
  const stock = await itemWith(10)
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => stock.reserve(`buyer-${i}`, 1, { version: 1 })),
  )
  const refusals = answers.filter((answer) => !answer.ok)
  expect(answers.length - refusals.length).toBe(10)
  expect(new Set(refusals.map((refusal) => refusal.ok || refusal.code))).toEqual(
    new Set(['insufficient_stock']),
  )
  expect(await stock.counts()).toEqual([10, 10, 0, 0])
})

describe('a hold ends once', () => {
  test('when its time is over, also if the alarm is late: one ledger row, written by whoever comes next', async () => {
    const stock = await itemWith(3)
    await stock.reserve('a', 3)
    testClock.advance(HOLD_MS)
    expect(await stock.counts()).toEqual([3, 0, 0, 3])
    expect(await typesOf(stock)).toEqual(['receive', 'reserve'])
    expect(await stock.reserve('b', 3)).toMatchObject({ ok: true })
    expect(await typesOf(stock)).toEqual(['receive', 'reserve', 'expire', 'reserve'])
    await runDurableObjectAlarm(stock.stub)
    expect(await typesOf(stock)).toEqual(['receive', 'reserve', 'expire', 'reserve'])
  })

  test('by the alarm, when nobody comes', async () => {
    const stock = await itemWith(3)
    await stock.reserve('a', 3)
    testClock.advance(HOLD_MS)
    expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
    expect(await stock.ledger()).toMatchObject([
      { type: 'receive' },
      { type: 'reserve', quantity: 3, purchaseId: 'a' },
      { type: 'expire', quantity: 3, purchaseId: 'a', actor: 'alarm', deltas: [{ reserved: -3 }] },
    ])
  })

  test('an expiry is not lost when the next command only repeats an old one', async () => {
    const stock = await itemWith(3)
    const receive = { idempotency: { key: crypto.randomUUID(), fingerprint: 'f' } }
    await stock.receive(1, receive)
    await stock.reserve('a', 4)
    testClock.advance(HOLD_MS)
    expect(await stock.receive(1, receive)).toMatchObject({ ok: true, isReplay: true })
    expect(await stock.counts()).toEqual([4, 0, 0, 4])
  })

  test('two overdue holds, of which the first gives its goods to the second, both end whole', async () => {
    const stock = await itemWith(1)
    await stock.policy({ backorderLimit: 1 })
    await stock.reserve('a', 1)
    await stock.reserve('b', 1)
    testClock.advance(HOLD_MS + 1)
    expect(await stock.reserve('c', 2)).toMatchObject({ ok: true })
    expect(await stock.counts()).toEqual([1, 2, 0, 0])
  })

  test('one millisecond before its end it can be allocated, at its end it cannot', async () => {
    testClock.freeze(now())
    const stock = await itemWith(2)
    await stock.reserve('a', 1, { expiresAt: now() + 10 })
    await stock.reserve('b', 1, { expiresAt: now() + 11 })
    testClock.advance(10)
    expect(await stock.allocate('a', 1)).toMatchObject({ ok: false, code: 'reservation_ended' })
    expect(await stock.allocate('b', 1)).toEqual({ ok: true })
    testClock.advance(HOLD_MS)
    expect(await stock.counts()).toEqual([2, 0, 1, 1])
  })

  test('a release lost in transit is cured by expiry', async () => {
    const stock = await itemWith(1)
    await stock.reserve('a', 1)
    expect(await stock.reserve('b', 1)).toMatchObject({ ok: false })
    testClock.advance(HOLD_MS)
    expect(await stock.reserve('b', 1)).toMatchObject({ ok: true })
  })
})

describe('asking twice is safe', () => {
  test('a repeated reserve, release, allocate or deallocate changes nothing and is answered again', async () => {
    const stock = await itemWith(5)
    const expiresAt = now() + HOLD_MS
    const twice = async (ask: () => Promise<unknown>) => {
      const first = await ask()
      expect(first).toMatchObject({ ok: true })
      expect(await ask()).toEqual(first)
    }
    await twice(() => stock.reserve('a', 2, { version: 1, expiresAt }))
    await twice(() => stock.release('a', 2))
    await twice(() => stock.reserve('a', 3, { version: 3, expiresAt }))
    await twice(() => stock.allocate('a', 3))
    await twice(() => stock.deallocate('a', 1, 'first'))
    await twice(() => stock.deallocate('a', 2, 'second'))
    expect(await typesOf(stock)).toEqual([
      'receive',
      'reserve',
      'release',
      'reserve',
      'allocate',
      'deallocate',
      'deallocate',
    ])
    expect(await stock.counts()).toEqual([5, 0, 0, 5])
  })

  test('a release that overtakes its reserve fences it off, also on an item nobody knows', async () => {
    const stock = new StockItem()
    expect(await stock.release('a', 2)).toEqual({ ok: true })
    expect(await stock.rpc.levels()).toBeNull()
    await stock.receive(5)
    expect(await stock.reserve('a', 1, { version: 1 })).toMatchObject({
      code: 'stale_version',
      facts: { version: 2 },
    })
    expect(await stock.reserve('a', 1, { version: 3 })).toMatchObject({ ok: true })
  })

  test('a movement under the same key moves once; under it with another body it is refused', async () => {
    const stock = new StockItem()
    const idempotency = { key: 'k', fingerprint: 'f' }
    const first = await stock.receive(5, { idempotency })
    expect(await stock.receive(5, { idempotency })).toEqual({ ...first, isReplay: true })
    expect(await stock.receive(6, { idempotency: { key: 'k', fingerprint: 'other' } })).toMatchObject({
      code: 'idempotency_key_reused',
    })
    expect(await stock.counts()).toEqual([5, 0, 0, 5])
  })

  test('after 7 days a key is forgotten', async () => {
    const stock = new StockItem()
    const idempotency = { key: 'k', fingerprint: 'f' }
    await stock.receive(5, { idempotency })
    testClock.advance(7 * 24 * 3600 * 1000)
    await stock.receive(1)
    expect(await stock.receive(5, { idempotency })).toMatchObject({ ok: true, isReplay: false })
  })

  test('and free for another command, though nothing came in between', async () => {
    const stock = new StockItem()
    await stock.receive(5, { idempotency: { key: 'k', fingerprint: 'f' } })
    testClock.advance(7 * 24 * 3600 * 1000)
    const other = { key: 'k', fingerprint: 'other' }
    expect(await stock.receive(6, { idempotency: other })).toMatchObject({ ok: true, isReplay: false })
    expect(await stock.receive(6, { idempotency: other })).toMatchObject({ ok: true, isReplay: true })
  })
})

test('nothing that was answered is lost when the object is evicted', async () => {
  const stock = await itemWith(10)
  await stock.reserve('a', 4, { version: 1 })
  await evictDurableObject(stock.stub)
  await stock.reserve('b', 3)
  await evictDurableObject(stock.stub)
  expect(await stock.counts()).toEqual([10, 7, 0, 3])
  expect(await stock.allocate('a', 4)).toEqual({ ok: true })
  await evictDurableObject(stock.stub)
  expect(await stock.reserve('a', 1, { version: 2 })).toMatchObject({ code: 'reservation_ended' })
  testClock.advance(HOLD_MS)
  expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
  expect(await stock.counts()).toEqual([10, 0, 4, 6])
})

describe('reading an item that was never written to', () => {
  test('answers "unknown" and makes nothing', async () => {
    const stock = new StockItem()
    expect(await stock.rpc.levels()).toBeNull()
    expect(await stock.rpc.availability(2)).toMatchObject({
      isKnown: false,
      available: 0,
      backorder: 0,
      band: 'out_of_stock',
    })
    expect(await stock.rpc.movements({ before: null, limit: 10 })).toEqual({
      movements: [],
      olderInLog: false,
    })
    expect(await stock.rpc.pull(10)).toEqual({ events: [], document: null, hasMore: false })
    await stock.rpc.confirm(0, null)
    expect(await stock.tables()).toEqual([])
  })

  test('holding one unit of it is refused and makes nothing either', async () => {
    const stock = new StockItem()
    expect(await stock.reserve('a', 1)).toMatchObject({ code: 'insufficient_stock', facts: { available: 0 } })
    expect(await stock.allocate('a', 1)).toMatchObject({ code: 'reservation_ended' })
    expect(await stock.deallocate('a', 1)).toMatchObject({ code: 'stock_conflict' })
    expect(await stock.tables()).toEqual([])
  })
})

describe('what a command writes is what it costs', () => {
  test.each([
    ['a reserve', 4, (stock: StockItem) => stock.reserve('new', 3)],
    ['another quantity', 4, (stock: StockItem) => stock.reserve('held', 3)],
    [
      'a prolonged hold',
      2,
      (stock: StockItem) => stock.reserve('held', 2, { expiresAt: now() + 2 * HOLD_MS }),
    ],
    ['an allocation', 3, (stock: StockItem) => stock.allocate('held', 2)],
    ['a release', 3, (stock: StockItem) => stock.release('held')],
    ['a deallocation', 3, (stock: StockItem) => stock.deallocate('ordered', 2)],
    ['a refusal', 0, (stock: StockItem) => stock.reserve('new', 1_000)],
    ['a repeat', 0, (stock: StockItem) => stock.allocate('ordered', 2)],
  ])('%s writes %i rows', async (_, rows, work) => {
    const stock = await itemWith(100)
    await stock.reserve('held', 2)
    await stock.reserve('ordered', 2)
    await stock.allocate('ordered', 2)
    expect(await stock.rowsWritten(() => work(stock))).toBe(rows)
  })
})
