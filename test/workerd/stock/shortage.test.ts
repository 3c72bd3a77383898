import { runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { SHORTAGE_ORDERS_MAX } from '../../../durable-objects/stock/losses.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const DAY_MS = 24 * 3600 * 1000

async function order(stock: StockItem, purchaseId: string, quantity: number) {
  await stock.reserve(purchaseId, quantity)
  await stock.allocate(purchaseId, quantity)
}

const lose = (stock: StockItem, quantity: number, location = 'main') =>
  stock.move({ type: 'adjust', quantity: -quantity, reason: 'damaged', location })

const shortagesOf = async (stock: StockItem) => {
  const { events } = await stock.rpc.pull(1_000)
  return events.filter(({ type }) => type === 'stock.shortage').map(({ data }) => JSON.parse(data))
}

const positionsOf = async (stock: StockItem) =>
  (await stock.rpc.levels())!.levels.positions.map((p) => [p.location, p.onHand, p.reserved, p.allocated])

describe('a write-off that breaks promises', () => {
  test('names the orders that lost their goods, newest first, in an event of its own', async () => {
    const stock = new StockItem()
    await stock.receive(6)
    await order(stock, 'first', 2)
    await order(stock, 'second', 2)
    await order(stock, 'third', 2)
    const lost = await lose(stock, 3)
    expect(await shortagesOf(stock)).toMatchObject([
      {
        movement: { id: lost.ok && lost.movement.id, type: 'adjust', reason: 'damaged' },
        missing: 3,
        orders: [
          { orderId: 'ord_third', quantity: 2 },
          { orderId: 'ord_second', quantity: 1 },
        ],
        levels: { onHand: 3, allocated: 6, available: 0 },
      },
    ])
    expect(await positionsOf(stock)).toEqual([
      ['', 0, 0, 3],
      ['main', 3, 0, 3],
    ])
  })

  test('takes from carts before it takes from orders, and tells nothing then', async () => {
    const stock = new StockItem()
    await stock.receive(4)
    await stock.reserve('cart', 2)
    await order(stock, 'later', 2)
    await lose(stock, 2)
    expect(await shortagesOf(stock)).toEqual([])
    expect(await stock.allocate('cart', 2)).toMatchObject({
      code: 'insufficient_stock',
      facts: { requested: 2, available: 0 },
    })
  })

  test('moves the promise to goods elsewhere before it breaks it', async () => {
    const stock = new StockItem()
    await stock.receive(3)
    await order(stock, 'a', 3)
    await stock.receive(2, { location: 'annex', locationPriority: 1 })
    await lose(stock, 3)
    expect(await shortagesOf(stock)).toMatchObject([
      { missing: 1, orders: [{ orderId: 'ord_a', quantity: 1 }] },
    ])
    expect(await positionsOf(stock)).toEqual([
      ['', 0, 0, 1],
      ['annex', 2, 0, 2],
      ['main', 0, 0, 0],
    ])
  })

  test('is made good by the next goods, oldest order first', async () => {
    const stock = new StockItem()
    await stock.receive(4)
    await order(stock, 'old', 2)
    await order(stock, 'new', 2)
    await lose(stock, 4)
    await stock.receive(3)
    expect(await stock.fulfill('old', 2)).toMatchObject({ ok: true })
    expect(await stock.fulfill('new', 2)).toMatchObject({ facts: { requested: 2, onHand: 1 } })
    await stock.receive(1)
    expect(await stock.fulfill('new', 2)).toMatchObject({ ok: true })
    expect(await stock.counts()).toEqual([0, 0, 0, 0])
  })

  test('by a count is one too, and so is a lot that passes its date', async () => {
    const stock = new StockItem()
    await stock.receive(2, { lot: 'milk', expiresAt: now() + DAY_MS })
    await stock.receive(2)
    await order(stock, 'a', 3)
    testClock.advance(DAY_MS)
    await runDurableObjectAlarm(stock.stub)
    expect(await shortagesOf(stock)).toMatchObject([{ missing: 1, movement: { reason: 'expired' } }])
    await stock.move({ type: 'count', quantity: 1, expectedOnHand: 2 })
    expect((await shortagesOf(stock))[1]).toMatchObject({ missing: 1, movement: { type: 'count' } })
    expect(await stock.counts()).toEqual([1, 0, 3, 0])
  })

  test('leaves a hold what goods stand behind, and says how many that are', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    await stock.reserve('a', 5)
    await lose(stock, 4)
    expect(await stock.counts()).toEqual([1, 5, 0, 0])
    expect(await stock.rpc.look({ purchaseId: 'a', quantity: 1 })).toEqual({ ok: true, most: 1 })
    expect(await stock.reserve('b', 1)).toMatchObject({ facts: { available: 0 } })
    expect(await stock.reserve('a', 5)).toMatchObject({ facts: { requested: 5, available: 1 } })
    expect(await stock.reserve('a', 1)).toMatchObject({ ok: true })
    expect(await stock.allocate('a', 1)).toEqual({ ok: true })
    expect(await stock.counts()).toEqual([1, 0, 1, 0])
  })

  test('that broke a hold lets orders take what may be promised beyond hand, first come first served', async () => {
    const stock = new StockItem()
    await stock.receive(4)
    await stock.policy({ backorderLimit: 2 })
    await stock.reserve('a', 2)
    await stock.reserve('b', 2)
    await lose(stock, 4)
    expect(await stock.allocate('b', 2)).toEqual({ ok: true })
    expect(await stock.allocate('a', 2)).toMatchObject({
      code: 'insufficient_stock',
      facts: { available: 0 },
    })
  })

  test('of more orders than one event may name is told in several', async () => {
    const stock = new StockItem()
    const count = SHORTAGE_ORDERS_MAX + 1
    await stock.receive(count)
    for (let i = 0; i < count; i++) await order(stock, `p${i}`, 1)
    await lose(stock, count)
    const told: { missing: number; orders: { orderId: string }[] }[] = []
    for (;;) {
      const { events, hasMore } = await stock.rpc.pull(500)
      for (const { type, data } of events) if (type === 'stock.shortage') told.push(JSON.parse(data))
      await stock.rpc.confirm(events.at(-1)!.outbox, null)
      if (!hasMore) break
    }
    expect(told.map(({ missing }) => missing)).toEqual([SHORTAGE_ORDERS_MAX, 1])
    expect(new Set(told.flatMap(({ orders }) => orders.map(({ orderId }) => orderId))).size).toBe(count)
  })
})
