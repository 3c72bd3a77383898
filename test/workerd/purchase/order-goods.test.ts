import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EFFECT_TRIES_UNTIL_ALARM } from '../../../durable-objects/purchase/effects.ts'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { testClock } from '../../../runtime/clock.ts'
import type { IdempotencyStamp } from '../../../schema/rpc/idempotency.ts'
import type { OrderAction } from '../../../schema/rpc/purchase.ts'
import { recordOrders } from '../../../worker/orders/store.ts'
import { stuckEffects } from '../../../worker/orders/stuck-store.ts'
import { aroundStock, breakStock } from '../../support/faults.ts'
import {
  movementsOf,
  ok,
  promised,
  receive,
  SETTINGS,
  Shopper,
  STORE,
  silenceQueue,
  stamp,
  stocked,
  usedBy,
} from './shop.ts'

let mend: () => void = () => {}
beforeEach(() => void silenceQueue())
afterEach(() => {
  mend()
  mend = () => {}
  testClock.reset()
})

async function ordered(settings = SETTINGS) {
  const shopper = new Shopper()
  shopper.settings = settings
  const [tee, cap] = [await stocked(5), await stocked(5)]
  const bundle = {
    ...tee,
    stock: [
      { item: tee.sku, quantity: 1 },
      { item: cap.sku, quantity: 2 },
    ],
  }
  ok(await shopper.create([[bundle, 2]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  return { shopper, tee: tee.sku, cap: cap.sku }
}

const act = (shopper: Shopper, action: OrderAction, idempotency: IdempotencyStamp = stamp()) =>
  shopper.rpc.commandOrder({
    ...action,
    settings: shopper.settings,
    actor: 'root',
    expectedVersion: null,
    idempotency,
  })
const SHIP: OrderAction = { do: 'fulfill', lines: null, location: null, tracking: null }
const readOrder = async (shopper: Shopper) => ok(await shopper.rpc.order({ token: null })).order
const onHand = async (item: string) => (await stockOf(env, STORE, item).levels())!.levels.onHand
const shipped = async (item: string) =>
  (await movementsOf(item)).filter(({ type }) => type === 'fulfill').map(({ quantity }) => quantity)

async function alarm(shopper: Shopper): Promise<void> {
  testClock.advance(3_600_000)
  await runDurableObjectAlarm(shopper.stub)
}

describe('goods that leave', () => {
  test('are told to every item of a bundle, and the audit agrees before, between and after', async () => {
    const { shopper, tee, cap } = await ordered()
    const one = ok(await act(shopper, { ...SHIP, lines: [{ lineId: 'line_1', quantity: 1 }] }))
    expect(one.order.fulfillments[0]!.positions).toEqual([
      { item: tee, location: 'main', lot: '', quantity: 1 },
      { item: cap, location: 'main', lot: '', quantity: 2 },
    ])
    expect([await onHand(tee), await onHand(cap)]).toEqual([4, 3])
    expect(await shopper.rpc.allocations()).toMatchObject({
      isInFlight: false,
      allocations: [
        { item: tee, quantity: 1 },
        { item: cap, quantity: 2 },
      ],
    })
    ok(await act(shopper, SHIP))
    expect(await shopper.rpc.allocations()).toMatchObject({ isInFlight: false, allocations: [] })
    expect(await promised(cap)).toEqual({ reserved: 0, allocated: 0 })
  })

  test.each(['before', 'after'] as const)(
    'are told again by the alarm when an item is lost %s it takes them, and leave once',
    async (when) => {
      const { shopper, tee, cap } = await ordered()
      mend = breakStock([cap], 'fulfill', when)
      const idempotency = stamp()
      const done = ok(await act(shopper, SHIP, idempotency))
      expect(done.order).toMatchObject({ fulfillmentStatus: 'fulfilled', status: 'completed' })
      expect(done.order.fulfillments[0]!.positions).toMatchObject([{ item: tee, quantity: 2 }])
      expect(await shopper.rpc.allocations()).toMatchObject({ isInFlight: true, allocations: [] })
      mend()
      await evictDurableObject(shopper.stub)
      await alarm(shopper)
      const order = await readOrder(shopper)
      expect(order.fulfillments[0]!.positions).toMatchObject([{ item: tee }, { item: cap, quantity: 4 }])
      expect(order.version).toBe(done.order.version + 1)
      expect(await shopper.rpc.allocations()).toMatchObject({ isInFlight: false })
      expect([await shipped(tee), await shipped(cap)]).toEqual([[2], [4]])
      const again = ok(await act(shopper, SHIP, idempotency))
      expect([again.isReplay, again.order]).toEqual([true, done.order])
    },
  )

  test('leave once when the order dies while it tells an item, and the same key hears of it', async () => {
    const { shopper, tee, cap } = await ordered()
    const asked = vi.fn()
    mend = aroundStock([cap], 'fulfill', (call) => {
      asked()
      return call().then(() => new Promise(() => {}))
    })
    const idempotency = stamp()
    const cut = act(shopper, SHIP, idempotency).catch(() => 'cut')
    await vi.waitFor(() => expect(asked).toHaveBeenCalled())
    await runInDurableObject(shopper.stub, (_, state) => state.abort('crash')).catch(() => undefined)
    expect(await cut).toBe('cut')
    mend()
    const again = ok(await act(shopper, SHIP, idempotency))
    expect(again).toMatchObject({ isReplay: true, order: { fulfillmentStatus: 'fulfilled' } })
    await alarm(shopper)
    expect([await shipped(tee), await shipped(cap)]).toEqual([[2], [4]])
    expect(await promised(cap)).toEqual({ reserved: 0, allocated: 0 })
    const types = (await shopper.events()).map(({ type }) => type)
    expect(types.filter((type) => type === 'order.fulfilled')).toHaveLength(1)
  })

  test('have not left when stock cannot be asked, and the same key goes on', async () => {
    const { shopper, tee, cap } = await ordered()
    mend = breakStock([cap], 'shippable', 'before')
    const idempotency = stamp()
    const { version } = await readOrder(shopper)
    expect(await act(shopper, SHIP, idempotency)).toMatchObject({ code: 'unavailable' })
    expect([(await readOrder(shopper)).version, await onHand(tee)]).toEqual([version, 5])
    mend()
    expect(ok(await act(shopper, SHIP, idempotency)).isReplay).toBe(false)
  })

  test('that an item refuses although they are gone stay to be told, are shown to staff, and leave when it can', async () => {
    const { shopper, cap } = await ordered()
    mend = aroundStock([cap], 'fulfill', async (call) => {
      mend()
      await receive(cap, -3)
      return call()
    })
    const { order } = ok(await act(shopper, SHIP))
    expect(order.fulfillmentStatus).toBe('fulfilled')
    expect(await shipped(cap)).toEqual([])
    for (let tries = 1; tries < EFFECT_TRIES_UNTIL_ALARM; tries++) await alarm(shopper)
    const recorded = async () => {
      const document = (await shopper.rpc.document())!
      await recordOrders(env, [{ store: STORE.slug, document }])
      const stuck = await stuckEffects(env, STORE.slug, 1_000)
      return stuck.filter(({ orderId }) => orderId === order.id)
    }
    expect(await recorded()).toMatchObject([
      { what: 'fulfill', effect: `${order.id}/${order.fulfillments[0]!.id}/${cap}` },
    ])
    await receive(cap, 3)
    await alarm(shopper)
    expect(await shipped(cap)).toEqual([4])
    expect(await recorded()).toEqual([])
  })
})

describe('goods that come back', () => {
  const back = (quantity: number): OrderAction => {
    const line = { lineId: 'line_1', quantity }
    const where = { disposition: 'restock' as const, location: 'main', locationPriority: 0 }
    return {
      do: 'return',
      lines: [{ ...line, reason: null }],
      isRefunded: true,
      received: [{ ...line, ...where }],
    }
  }

  test.each(['before', 'after'] as const)(
    'come back once when an item is lost %s it takes them',
    async (when) => {
      const { shopper, tee, cap } = await ordered()
      ok(await act(shopper, SHIP))
      mend = breakStock([cap], 'move', when)
      const { order } = ok(await act(shopper, back(1)))
      expect(order).toMatchObject({
        lines: [{ returned: 1, credited: 1 }],
        refunds: [{ amount: { amount: 1000 } }],
      })
      mend()
      await evictDurableObject(shopper.stub)
      await alarm(shopper)
      expect([await onHand(tee), await onHand(cap)]).toEqual([4, 3])
    },
  )
})

test('units that are cancelled may be had again by a customer of whom no more may have them', async () => {
  const shopper = new Shopper()
  const tee = await stocked(5, { maxPerCustomer: 3 })
  shopper.customer = crypto.randomUUID()
  ok(await shopper.create([[tee, 3]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  ok(await act(shopper, { do: 'cancel', lines: [{ lineId: 'line_1', quantity: 1 }], reason: null }))
  expect(await usedBy(shopper.customer, tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  ok(await act(shopper, SHIP))
  // What was shipped was had.
  expect(await usedBy(shopper.customer, tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
})

describe('money', () => {
  const pending = (shopper: Shopper) => shopper.rpc.pendingEffects()

  test('of cancelled units waits for the capture that the provider still owes', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([[await stocked(5), 3]]))
    await shopper.checkout({ isCaptured: false })
    const lines = [{ lineId: 'line_1', quantity: 1 }]
    const { order } = ok(await act(shopper, { do: 'cancel', lines, reason: null }))
    expect(order.refunds).toMatchObject([{ amount: { amount: 1000 }, status: 'pending' }])
    const [capture, ...others] = await pending(shopper)
    expect([capture!.do, others]).toEqual(['capture', []])
    await shopper.rpc.settleEffect({ id: capture!.id, isDone: true })
    const [refund] = await pending(shopper)
    expect(refund).toMatchObject({ do: 'refund', request: { amount: { amount: 1000 } } })
    await shopper.rpc.settleEffect({ id: refund!.id, isDone: true })
    expect(await readOrder(shopper)).toMatchObject({
      paymentStatus: 'partially_refunded',
      payments: [{ captured: { amount: 3000 }, refunded: { amount: 1000 } }],
    })
  })

  test('that was never taken is let go when everything has come back', async () => {
    const { shopper } = await ordered({ ...SETTINGS, capture: 'manual' })
    const lines = [{ lineId: 'line_1', quantity: 2 }]
    ok(await act(shopper, SHIP))
    const where = { disposition: 'write_off' as const, location: 'main', locationPriority: 0 }
    const received = lines.map((line) => ({ ...line, ...where }))
    const asked = lines.map((line) => ({ ...line, reason: null }))
    const { order } = ok(await act(shopper, { do: 'return', lines: asked, isRefunded: true, received }))
    expect(order).toMatchObject({ status: 'placed', fulfillmentStatus: 'returned', refunds: [] })
    const [undo] = await pending(shopper)
    expect(undo!.do).toBe('undo')
    expect(await act(shopper, { do: 'capture' })).toMatchObject({ code: 'order_state_conflict' })
    await shopper.rpc.settleEffect({ id: undo!.id, isDone: true })
    expect(await readOrder(shopper)).toMatchObject({ status: 'completed', paymentStatus: 'voided' })
  })

  test('of a refund that the provider keeps refusing is shown to staff until it is given back', async () => {
    const { shopper } = await ordered()
    ok(await act(shopper, { do: 'refund', amount: null, lines: null, reason: null }))
    const [refund] = await pending(shopper)
    for (let tries = 0; tries < EFFECT_TRIES_UNTIL_ALARM; tries++)
      await shopper.rpc.settleEffect({ id: refund!.id, isDone: false })
    expect((await shopper.rpc.document())!.document.stuck).toEqual([{ effect: refund!.id, what: 'refund' }])
    await shopper.rpc.settleEffect({ id: refund!.id, isDone: true })
    expect((await shopper.rpc.document())!.document.stuck).toEqual([])
    expect((await readOrder(shopper)).paymentStatus).toBe('refunded')
  })
})
