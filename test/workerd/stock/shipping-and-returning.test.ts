import { evictDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { ARRIVALS_MAX } from '../../../durable-objects/stock/arrivals.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const DAY_MS = 24 * 3600 * 1000
const levelsOf = async (stock: StockItem) => (await stock.rpc.levels())!.levels

async function order(stock: StockItem, purchaseId: string, quantity: number) {
  await stock.reserve(purchaseId, quantity)
  await stock.allocate(purchaseId, quantity)
}

describe('shipping an order', () => {
  test('takes the goods from the positions that were chosen for it, once for each command', async () => {
    const stock = new StockItem()
    await stock.receive(10, { location: 'near' })
    await stock.receive(15, { location: 'far', locationPriority: 1 })
    await order(stock, 'a', 13)
    const first = await stock.fulfill('a', 11, { commandId: 'f1' })
    expect(first).toEqual({
      ok: true,
      taken: [
        { location: 'near', lot: '', quantity: 10 },
        { location: 'far', lot: '', quantity: 1 },
      ],
    })
    await evictDurableObject(stock.stub)
    expect(await stock.fulfill('a', 11, { commandId: 'f1' })).toEqual(first)
    expect(await stock.counts()).toEqual([14, 0, 2, 12])
    expect((await stock.ledger()).at(-1)).toMatchObject({ type: 'fulfill', quantity: 11, orderId: 'ord_a' })
  })

  test('from one location takes what the order has there and no more', async () => {
    const stock = new StockItem()
    await stock.receive(10, { location: 'near' })
    await stock.receive(15, { location: 'far', locationPriority: 1 })
    await order(stock, 'a', 13)
    expect(await stock.fulfill('a', 4, { location: 'far' })).toMatchObject({
      facts: { requested: 4, onHand: 3 },
    })
    expect(await stock.fulfill('a', 3, { location: 'far' })).toMatchObject({
      taken: [{ location: 'far', quantity: 3 }],
    })
  })

  test('of more than it has, of a cart, or of what waits for goods is refused', async () => {
    const stock = new StockItem()
    await stock.receive(2)
    await stock.policy({ backorderLimit: 2 })
    await stock.reserve('cart', 1)
    expect(await stock.fulfill('cart', 1)).toMatchObject({ facts: { allocated: 0 } })
    expect(await stock.fulfill('nobody', 1)).toMatchObject({ facts: { allocated: 0 } })
    await order(stock, 'a', 3)
    expect(await stock.fulfill('a', 4)).toMatchObject({ facts: { requested: 4, allocated: 3 } })
    expect(await stock.fulfill('a', 2)).toMatchObject({ facts: { requested: 2, onHand: 1 } })
  })

  test('in part, with the rest given up, ends the promise for good', async () => {
    const stock = new StockItem()
    await stock.receive(3)
    await order(stock, 'a', 3)
    await stock.fulfill('a', 1)
    expect(await stock.deallocate('a', 2)).toEqual({ ok: true })
    expect(await stock.counts()).toEqual([2, 0, 0, 2])
    await order(stock, 'b', 2)
    await stock.fulfill('b', 2)
    expect(await stock.reserve('b', 1)).toMatchObject({ code: 'reservation_ended' })
    expect(await stock.release('b')).toMatchObject({ code: 'reservation_ended' })
    // A repeat of the order's own command is answered as the first time.
    expect(await stock.allocate('b', 2)).toEqual({ ok: true })
    expect(await stock.counts()).toEqual([0, 0, 0, 0])
  })
})

describe('goods that come back', () => {
  test('are on hand again when they are restocked', async () => {
    const stock = new StockItem()
    await stock.receive(1)
    await order(stock, 'a', 1)
    await stock.fulfill('a', 1)
    await stock.move({ type: 'return', quantity: 1, orderId: 'ord_a' })
    expect(await stock.counts()).toEqual([1, 0, 0, 1])
    expect((await stock.ledger()).at(-1)).toMatchObject({
      type: 'return',
      orderId: 'ord_a',
      disposition: 'restock',
    })
  })

  test('are told and not on hand when they are written off, whatever the position has', async () => {
    const stock = new StockItem()
    await stock.receive(1, { lot: 'l', expiresAt: now() + DAY_MS })
    const written = await stock.move({ type: 'return', quantity: 2, lot: 'l', disposition: 'write_off' })
    expect(written).toMatchObject({
      ok: true,
      movement: { quantity: 2, deltas: [], disposition: 'write_off' },
    })
    expect(await stock.counts()).toEqual([1, 0, 0, 1])
    expect((await stock.rpc.pull(100)).events.at(-1)).toMatchObject({ type: 'stock.returned' })
  })
})

describe('goods between two locations', () => {
  test('are at neither until they are received, in parts, and what is missing is lost', async () => {
    const stock = new StockItem()
    await stock.receive(10)
    expect(await stock.dispatch(6)).toMatchObject({
      movement: {
        type: 'transfer',
        quantity: 6,
        reference: 'trf_1',
        deltas: [{ location: 'main', onHand: -6 }],
      },
    })
    expect(await levelsOf(stock)).toMatchObject({ onHand: 4, available: 4, incoming: 6 })
    await stock.receipt(2)
    expect(await levelsOf(stock)).toMatchObject({ onHand: 6, incoming: 4 })
    expect(await stock.receipt(3, { missing: 2 })).toMatchObject({
      code: 'stock_conflict',
      facts: { incoming: 4 },
    })
    await stock.receipt(3, { missing: 1 })
    expect(await levelsOf(stock)).toMatchObject({ onHand: 9, incoming: 0, arrivals: [] })
    expect((await stock.ledger()).slice(-2)).toMatchObject([
      { type: 'transfer', quantity: 3, deltas: [{ location: 'annex', onHand: 3 }] },
      { type: 'adjust', quantity: -1, reason: 'lost', deltas: [], reference: 'trf_1' },
    ])
    expect(await stock.receipt(1)).toMatchObject({ facts: { incoming: 0 } })
  })

  test('are only those that nobody was promised', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    await stock.reserve('a', 3)
    expect(await stock.dispatch(3)).toMatchObject({ code: 'stock_conflict', facts: { quantity: 3, free: 2 } })
    expect(await stock.dispatch(1, { location: 'elsewhere' })).toMatchObject({ facts: { free: 0 } })
    expect(await stock.dispatch(2)).toMatchObject({ ok: true })
  })

  test('keep their sell-by date, and cover what waits when they arrive', async () => {
    const stock = new StockItem()
    const expiresAt = now() + DAY_MS
    await stock.receive(2, { lot: 'l', expiresAt })
    await stock.policy({ backorderLimit: 1 })
    await stock.dispatch(2, { lot: 'l' })
    await order(stock, 'a', 1)
    await stock.receipt(2)
    expect((await levelsOf(stock)).positions).toMatchObject([
      { location: 'annex', lot: 'l', expiresAt, onHand: 2, allocated: 1 },
      { location: 'main', lot: 'l', onHand: 0 },
    ])
  })

  test('that passed their date on the way can only be given up', async () => {
    const stock = new StockItem()
    await stock.receive(2, { lot: 'l', expiresAt: now() + DAY_MS })
    await stock.dispatch(2, { lot: 'l' })
    testClock.advance(DAY_MS)
    expect(await stock.receipt(2)).toMatchObject({ code: 'stock_conflict' })
    expect(await stock.receipt(0, { missing: 2 })).toMatchObject({ ok: true })
    expect(await levelsOf(stock)).toMatchObject({ onHand: 0, incoming: 0 })
  })

  test('leave and arrive once, however often the command is sent', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    const idempotency = { key: 'd', fingerprint: 'f' }
    const first = await stock.dispatch(2, { idempotency })
    await evictDurableObject(stock.stub)
    expect(await stock.dispatch(2, { idempotency })).toEqual({ ...first, isReplay: true })
    await stock.receipt(2, { idempotency: { key: 'r', fingerprint: 'f' } })
    await stock.receipt(2, { idempotency: { key: 'r', fingerprint: 'f' } })
    // Also when all of it has arrived.
    await stock.dispatch(2, { idempotency })
    expect(await levelsOf(stock)).toMatchObject({ onHand: 5, incoming: 0 })
  })
})

describe('what a supplier will bring', () => {
  test('is incoming, not on hand, and dates the next availability', async () => {
    const stock = new StockItem()
    const expectedAt = now() + 5 * DAY_MS
    await stock.expect(40, { expectedAt })
    expect(await levelsOf(stock)).toMatchObject({ onHand: 0, available: 0, incoming: 40 })
    expect(await stock.rpc.availability(2)).toMatchObject({ isKnown: true, availableOn: expectedAt })
    expect((await stock.rpc.pull(10)).document).toMatchObject({
      document: { incoming: 40, availableOn: new Date(expectedAt).toISOString() },
    })
  })

  test('counts down as it is received under its reference, at its location, in whatever lot', async () => {
    const stock = new StockItem()
    await stock.expect(10)
    await stock.receive(4, { reference: 'PO-1', lot: 'l' })
    await stock.receive(4, { reference: 'PO-2' })
    await stock.receive(4, { reference: 'PO-1', location: 'annex' })
    expect(await levelsOf(stock)).toMatchObject({ incoming: 6 })
    await stock.receive(8, { reference: 'PO-1' })
    expect(await levelsOf(stock)).toMatchObject({ incoming: 0, arrivals: [], onHand: 20 })
  })

  test('is set and taken away by its reference, and has a bound', async () => {
    const stock = new StockItem()
    for (let i = 0; i < ARRIVALS_MAX; i++) await stock.expect(1, { reference: `PO-${i}` })
    expect(await stock.expect(1, { reference: 'PO-last' })).toMatchObject({ facts: { limit: ARRIVALS_MAX } })
    expect(await stock.expect(7, { reference: 'PO-0' })).toMatchObject({ levels: { incoming: 106 } })
    await evictDurableObject(stock.stub)
    expect(await stock.expect(0, { reference: 'PO-0' })).toMatchObject({ levels: { incoming: 99 } })
    await stock.receive(1)
    expect(await stock.dispatch(1, { transferId: 'PO-5' })).toMatchObject({ code: 'stock_conflict' })
    await stock.dispatch(1)
    expect(await stock.expect(0, { reference: 'trf_1' })).toMatchObject({ code: 'stock_conflict' })
  })
})

describe('the sale', () => {
  test('begins and ends at its instants: outside of them nothing is held anew', async () => {
    testClock.freeze(Date.now())
    const stock = new StockItem()
    await stock.receive(5)
    await stock.policy({ saleStartsAt: now() + 1_000, saleEndsAt: now() + 2_000 })
    const closed = { code: 'not_on_sale', facts: { saleEndsAt: new Date(now() + 2_000).toISOString() } }
    expect(await stock.reserve('a', 1)).toMatchObject(closed)
    expect(await stock.rpc.availability(2)).toMatchObject({
      available: 0,
      band: 'out_of_stock',
      availableOn: now() + 1_000,
    })
    testClock.advance(1_000)
    expect(await stock.reserve('a', 3)).toMatchObject({ ok: true })
    testClock.advance(1_000)
    expect(await stock.reserve('a', 4)).toMatchObject({ code: 'not_on_sale' })
    expect(await stock.reserve('b', 1)).toMatchObject({ code: 'not_on_sale' })
    expect(await stock.rpc.look({ purchaseId: 'a', quantity: 1 })).toEqual({ ok: true, most: 3 })
    // What was held in the sale is prolonged, lowered and bought.
    expect(await stock.reserve('a', 3)).toMatchObject({ ok: true })
    expect(await stock.reserve('a', 2)).toMatchObject({ ok: true })
    expect(await stock.allocate('a', 2)).toEqual({ ok: true })
  })
})
