import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { orderNumber } from '../../../durable-objects/purchase/place-order.ts'
import { testClock } from '../../../runtime/clock.ts'
import { newCart } from '../../../schema/ids.ts'
import type { CancelCommand } from '../../../schema/rpc/purchase.ts'
import { nudged } from '../../support/nudges.ts'
import { ok, promised, SETTINGS, Shopper, silenceQueue, stamp, stocked } from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => testClock.reset())

async function ordered(settings = SETTINGS) {
  const shopper = new Shopper()
  shopper.settings = settings
  const tee = await stocked(5)
  ok(await shopper.create([[tee, 2]]))
  await shopper.checkout()
  return { shopper, tee }
}

const cancel = (shopper: Shopper, command: Partial<CancelCommand> = {}) =>
  shopper.rpc.cancel({
    settings: SETTINGS,
    reason: null,
    actor: 'root',
    expectedVersion: null,
    idempotency: stamp(),
    ...command,
  })
const readOrder = async (shopper: Shopper) => ok(await shopper.rpc.order({ token: null })).order
const types = async (shopper: Shopper) => (await shopper.events()).map(({ type }) => type)
const settleAll = async (shopper: Shopper) => {
  for (const { id } of await shopper.rpc.pendingEffects())
    await shopper.rpc.settleEffect({ id, isDone: true })
}

describe('a cancellation', () => {
  test('gives the units back at once and the money when the provider has refunded it', async () => {
    const { shopper, tee } = await ordered()
    const { order } = ok(await cancel(shopper, { reason: 'changed mind' }))
    expect(order).toMatchObject({
      status: 'cancelled',
      paymentStatus: 'paid',
      lines: [{ quantity: 2, cancelled: 2 }],
      cancellation: { reason: 'changed mind' },
      version: 3,
    })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
    expect(await types(shopper)).toEqual(['order.placed', 'order.paid', 'order.cancelled'])
    await evictDurableObject(shopper.stub)
    await settleAll(shopper)
    expect(await readOrder(shopper)).toMatchObject({
      paymentStatus: 'refunded',
      payments: [{ status: 'refunded', refunded: { amount: 2000 } }],
      refunds: [{ amount: { amount: 2000, currency: 'EUR' }, reason: 'changed mind' }],
      version: 4,
    })
    expect((await types(shopper)).at(-1)).toBe('order.refunded')
  })

  test('of an authorized order voids it, and the record is told without an event', async () => {
    const { shopper } = await ordered({ ...SETTINGS, capture: 'manual' })
    ok(await cancel(shopper))
    await settleAll(shopper)
    expect(await readOrder(shopper)).toMatchObject({ paymentStatus: 'voided', refunds: [], version: 3 })
    const { events, document } = await shopper.rpc.pull(10)
    expect([events.length, document?.version]).toEqual([2, 3])
  })

  test('before a capture that waits for its provider takes the capture back', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([[await stocked(5), 1]]))
    await shopper.checkout({ isCaptured: false })
    const [capture] = await shopper.rpc.pendingEffects()
    ok(await cancel(shopper))
    await shopper.rpc.settleEffect({ id: capture!.id, isDone: true })
    expect((await shopper.rpc.pendingEffects()).map((effect) => effect.do)).toEqual(['undo'])
    await settleAll(shopper)
    expect((await readOrder(shopper)).paymentStatus).toBe('voided')
  })

  test('asked for twice under one key is one; under another key it is refused, and refused again', async () => {
    const { shopper, tee } = await ordered()
    const idempotency = stamp()
    const first = ok(await cancel(shopper, { idempotency }))
    await settleAll(shopper)
    const again = ok(await cancel(shopper, { idempotency }))
    expect([first.isReplay, again.isReplay]).toEqual([false, true])
    expect(JSON.stringify(again.order)).toBe(JSON.stringify(first.order))
    expect(await cancel(shopper, { idempotency: { ...idempotency, fingerprint: 'x' } })).toMatchObject({
      code: 'idempotency_key_reused',
    })
    const other = stamp()
    expect(await cancel(shopper, { idempotency: other })).toMatchObject({ code: 'order_state_conflict' })
    expect(await cancel(shopper, { idempotency: other })).toMatchObject({ isReplay: true })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
  })

  test('of another version than the caller saw is refused', async () => {
    const { shopper } = await ordered()
    expect(await cancel(shopper, { expectedVersion: 1 })).toMatchObject({
      code: 'precondition_failed',
      facts: { version: 2 },
    })
    ok(await cancel(shopper, { expectedVersion: 2 }))
  })

  test('of a cart that is no order finds none', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([]))
    expect(await cancel(shopper)).toMatchObject({ code: 'order_not_found' })
  })

  test('while the payment is being captured is refused', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([[await stocked(5), 1]]))
    const { attempt } = ok(await shopper.begin())
    const { step, lease } = await shopper.run(attempt, 'capture')
    expect(await cancel(shopper)).toMatchObject({ code: 'order_state_conflict' })
    ok(await shopper.take(step, lease))
    ok(await cancel(shopper))
  })
})

describe('the outbox', () => {
  test('answers the unconfirmed run with the order as it is, until the log has it', async () => {
    const { shopper } = await ordered()
    const one = await shopper.rpc.pull(1)
    expect([one.events.map(({ outbox }) => outbox), one.hasMore]).toEqual([[1], true])
    expect(one.document).toMatchObject({ kind: 'order', version: 2, document: { paymentStatus: 'paid' } })
    await shopper.rpc.confirm(1, 2)
    await evictDurableObject(shopper.stub)
    const two = await shopper.rpc.pull(10)
    expect([two.events.map(({ outbox }) => outbox), two.hasMore]).toEqual([[2], false])
    await shopper.rpc.confirm(2, 2)
    await shopper.rpc.confirm(1, 1)
    expect((await shopper.rpc.pull(10)).events).toEqual([])
  })

  test('is nudged once until the relay has pulled', async () => {
    const sent = silenceQueue()
    const { shopper } = await ordered()
    const mine = async () => (await nudged(sent)).filter(({ key }) => key === shopper.purchaseId)
    expect(await mine()).toEqual([{ kind: 'purchase', store: SETTINGS.store, key: shopper.purchaseId }])
    await shopper.rpc.pull(10)
    ok(await cancel(shopper))
    expect(await mine()).toHaveLength(2)
  })
})

describe('an order number', () => {
  test('is 8 characters that nobody mistakes, and tells nothing of the next one', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => newCart(1_800_000_000_000 + index).purchaseId)
    const numbers = await Promise.all(ids.map((id) => orderNumber('default', id)))
    for (const number of numbers) expect(number).toMatch(/^[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}$/)
    expect(new Set(numbers).size).toBe(200)
    expect(new Set(numbers.map((number) => number[0])).size).toBeGreaterThan(20)
    expect(await orderNumber('default', ids[0]!)).toBe(numbers[0])
  })
})
