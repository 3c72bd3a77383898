import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HOLD_RENEWALS_MAX } from '../../../durable-objects/purchase/hold-limits.ts'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { paymentId } from '../../../schema/ids.ts'
import { LEASE_MS, PAYMENT_WINDOW_MS } from '../../../schema/rpc/purchase.ts'
import {
  factsOf,
  newSku,
  OFFLINE,
  ok,
  promised,
  receive,
  SETTINGS,
  Shopper,
  STORE,
  silenceQueue,
  stamp,
  stocked,
} from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => testClock.reset())

const types = async (shopper: Shopper) => (await shopper.events()).map(({ type }) => type)
const EUR = (amount: number) => ({ amount, currency: 'EUR' })
const ACTION = {
  outcome: 'requires_action' as const,
  providerReference: 'ref',
  url: 'https://bank.example/3ds',
}

async function withCart(quantity = 2, units = 5) {
  const shopper = new Shopper()
  const tee = await stocked(units)
  ok(await shopper.create([[tee, quantity]]))
  return { shopper, tee }
}

describe('a checkout', () => {
  test('becomes one paid order with all stock allocated, told in order', async () => {
    const { shopper, tee } = await withCart()
    const { answer } = await shopper.checkout()
    if (answer.kind !== 'placed') throw new Error(JSON.stringify(answer))
    const { order } = answer
    expect(order).toMatchObject({
      id: `ord_${shopper.purchaseId}`,
      status: 'placed',
      paymentStatus: 'paid',
      fulfillmentStatus: 'unfulfilled',
      lines: [{ id: 'line_1', sku: tee.sku, quantity: 2, total: EUR(2000) }],
      payments: [{ status: 'captured', amount: EUR(2000), captured: EUR(2000) }],
      version: 2,
    })
    expect(order.number).toMatch(/^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$/)
    expect(order.token).toMatch(/^[0-9a-z]{26}$/)
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
    const events = await shopper.events()
    expect(events.map(({ type, subject, sequence, outbox }) => [type, subject, sequence, outbox])).toEqual([
      ['order.placed', `order:${order.id}`, 1, 1],
      ['order.paid', `order:${order.id}`, 2, 2],
    ])
    expect(events.map(({ data }) => JSON.parse(data).version)).toEqual([1, 2])
    const cart = await shopper.cart()
    expect(cart).toMatchObject({ status: 'completed', order: { id: order.id, token: order.token } })
    expect(ok(await shopper.rpc.order({ token: order.token! })).order).toEqual({ ...order, token: undefined })
    expect(await shopper.rpc.order({ token: 'x'.repeat(26) })).toMatchObject({ code: 'order_not_found' })
  })

  test('tells the log and the record nothing of who bought, and the log keeps no text they wrote', async () => {
    const { shopper } = await withCart()
    await shopper.checkout({
      authorize: { outcome: 'declined', providerReference: null, reason: 'Ada Secretive is broke' },
    })
    const { answer } = await shopper.checkout()
    if (answer.kind !== 'placed') throw new Error('not placed')
    ok(
      await shopper.rpc.cancel({
        settings: SETTINGS,
        reason: 'Ada Secretive called',
        actor: 'root',
        expectedVersion: null,
        idempotency: stamp(),
      }),
    )
    for (const { id } of await shopper.rpc.pendingEffects())
      await shopper.rpc.settleEffect({ id, isDone: true })
    const { events, document } = await shopper.rpc.pull(100)
    expect(events.map(({ type }) => type)).toEqual([
      'payment.failed',
      'order.placed',
      'order.paid',
      'order.cancelled',
      'order.refunded',
    ])
    const outbox = JSON.stringify(events).toLowerCase()
    for (const word of ['ada', 'secret', 'hidden', '99887', answer.order.token!.toLowerCase()]) {
      expect(outbox).not.toContain(word)
    }
    if (document?.kind !== 'order') throw new Error('no document')
    expect(document.document.email).toBe('ada@secret.example')
    expect(document.document.order).not.toContain(answer.order.token)
  })

  test('under a known key is its attempt; with another body it is refused', async () => {
    const { shopper } = await withCart()
    const idempotency = stamp()
    const first = ok(await shopper.begin('tok_ok', { idempotency }))
    await shopper.run(first.attempt)
    await evictDurableObject(shopper.stub)
    expect(await shopper.begin('tok_ok', { idempotency })).toEqual({
      ok: true,
      attempt: first.attempt,
      isReplay: true,
    })
    const other = { ...idempotency, fingerprint: 'other' }
    expect(await shopper.begin('tok_ok', { idempotency: other })).toMatchObject({
      code: 'idempotency_key_reused',
    })
    expect(await shopper.rpc.checkoutAnswer({ attempt: first.attempt })).toMatchObject({ kind: 'placed' })
    expect(await types(shopper)).toEqual(['order.placed', 'order.paid'])
  })

  test('of an incomplete cart names what is missing, and says so again under the same key', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([], { patch: {} }))
    const idempotency = stamp()
    const refused = await shopper.begin('tok_ok', { idempotency })
    expect(refused).toMatchObject({ code: 'cart_incomplete', facts: { missing: ['lines', 'contact'] } })
    const tee = await stocked(1)
    ok(await shopper.put(tee, 1))
    const again = ok(await shopper.begin('tok_ok', { idempotency }))
    expect(again.isReplay).toBe(true)
    expect(await shopper.rpc.checkoutAnswer(again)).toEqual({ kind: 'refused', refusal: refused })
    expect(await shopper.begin()).toMatchObject({
      facts: { missing: ['contact', 'shippingAddress', 'shippingMethod'] },
    })
  })

  test('of goods that are not shipped needs no address and no method', async () => {
    const shopper = new Shopper()
    const song = factsOf(newSku(), { requiresShipping: false, stock: [] })
    ok(await shopper.create([[song, 1]], { patch: { contact: { email: 'a@b.example' } } }))
    expect((await shopper.checkout()).answer).toMatchObject({
      kind: 'placed',
      order: { shippingMethod: null },
    })
  })

  test('with another total than expected charges nothing, keeps the new price and opens the cart', async () => {
    const { shopper, tee } = await withCart()
    shopper.facts = [{ ...tee, unitPrice: 1500 }]
    const { attempt } = ok(await shopper.begin('tok_ok', { expectedTotal: EUR(2000) }))
    const { step } = await shopper.run(attempt, 'authorize')
    expect(step).toMatchObject({
      do: 'finished',
      answer: { refusal: { code: 'total_changed', facts: { total: EUR(3000), expectedTotal: EUR(2000) } } },
    })
    expect(await shopper.cart()).toMatchObject({ status: 'open', totals: { total: EUR(3000) } })
  })

  test('of a SKU that is no longer sold fails and names it', async () => {
    const { shopper, tee } = await withCart()
    shopper.facts = []
    expect((await shopper.checkout()).answer).toMatchObject({
      refusal: { code: 'currency_not_in_market', facts: { sku: tee.sku } },
    })
  })

  test('that costs nothing asks no provider', async () => {
    const shopper = new Shopper()
    const sample = await stocked(1, { unitPrice: 0 })
    ok(await shopper.create([[sample, 1]]))
    const { attempt } = ok(await shopper.begin())
    const { step } = await shopper.run(attempt, 'authorize')
    expect(step).toMatchObject({
      do: 'finished',
      answer: { kind: 'placed', order: { payments: [], paymentStatus: 'paid' } },
    })
    expect(await types(shopper)).toEqual(['order.placed', 'order.paid'])
    expect(await shopper.stored()).not.toContain('tok_ok')
  })

  test('with manual capture ends authorized', async () => {
    const { shopper } = await withCart()
    shopper.settings = { ...SETTINGS, capture: 'manual' }
    expect((await shopper.checkout()).answer).toMatchObject({
      order: { paymentStatus: 'authorized', payments: [{ status: 'authorized', captured: EUR(0) }] },
    })
    expect(await types(shopper)).toEqual(['order.placed'])
    expect(await shopper.rpc.pendingEffects()).toEqual([])
  })

  test('whose capture fails is an order all the same, and the capture is an effect until it is done', async () => {
    const { shopper } = await withCart()
    const { answer } = await shopper.checkout({ isCaptured: false })
    expect(answer).toMatchObject({ kind: 'placed', order: { paymentStatus: 'authorized' } })
    const [effect] = await shopper.rpc.pendingEffects()
    expect(effect).toMatchObject({ do: 'capture', request: { amount: EUR(2000) } })
    await shopper.rpc.settleEffect({ id: effect!.id, isDone: false })
    await shopper.rpc.settleEffect({ id: effect!.id, isDone: true })
    await shopper.rpc.settleEffect({ id: effect!.id, isDone: true })
    expect(ok(await shopper.rpc.order({ token: null })).order.paymentStatus).toBe('paid')
    expect(await types(shopper)).toEqual(['order.placed', 'order.paid'])
  })

  test('closes the lines, and keeps other checkouts out', async () => {
    const { shopper, tee } = await withCart()
    ok(await shopper.begin())
    expect(await shopper.put(tee, 1)).toMatchObject({ code: 'checkout_in_progress' })
    expect(await shopper.rpc.abandon(shopper.access)).toMatchObject({ code: 'checkout_in_progress' })
    const idempotency = stamp()
    expect(await shopper.begin('tok_ok', { idempotency })).toMatchObject({ code: 'checkout_in_progress' })
    await shopper.run(null)
    expect(await shopper.begin('tok_ok', { idempotency })).toMatchObject({ code: 'cart_closed' })
    expect(await shopper.put(tee, 1)).toMatchObject({ code: 'cart_closed', facts: { order: {} } })
  })
})

describe('the holds of a checkout', () => {
  test('outlast the payment window', async () => {
    const { shopper, tee } = await withCart()
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'authorize')
    testClock.advance(PAYMENT_WINDOW_MS)
    expect((await promised(tee.sku)).reserved).toBe(2)
    expect((await shopper.cart()).lines[0]!.hold.state).toBe('held')
  })

  test('that ended are held again; what is short refuses the whole and leaves the rest as it was', async () => {
    const shopper = new Shopper()
    const [tee, cap] = [await stocked(5), await stocked(5)]
    ok(
      await shopper.create([
        [tee, 2],
        [cap, 4],
      ]),
    )
    testClock.advance(901_000)
    const other = new Shopper()
    ok(await other.create([[cap, 2]]))
    const { answer } = await shopper.checkout()
    expect(answer).toMatchObject({
      refusal: {
        code: 'insufficient_stock',
        facts: { lines: [{ sku: cap.sku, requested: 4, available: 3 }] },
      },
    })
    expect((await promised(tee.sku)).reserved).toBe(0)
    ok(await shopper.put(cap, 3))
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect(await promised(cap.sku)).toEqual({ reserved: 2, allocated: 3 })
  })

  test('that still live are as they were after another item refused the checkout', async () => {
    const shopper = new Shopper()
    const [tee, cap] = [await stocked(2), await stocked(5)]
    ok(await shopper.create([[tee, 2]]))
    testClock.advance(600_000)
    const { cart } = ok(await shopper.put(cap, 3))
    testClock.advance(400_000)
    const other = new Shopper()
    ok(await other.create([[tee, 1]]))
    expect((await shopper.checkout()).answer).toMatchObject({ refusal: { code: 'insufficient_stock' } })
    expect((await shopper.cart()).lines.map(({ hold }) => hold.state)).toEqual(['expired', 'held'])
    expect((await shopper.cart()).lines[1]!.hold).toEqual(cart.lines[1]!.hold)
    expect((await promised(cap.sku)).reserved).toBe(3)
    testClock.advance(600_000)
    expect((await promised(cap.sku)).reserved).toBe(0)
  })

  test('of a cart that holds at checkout begin there, and end with a failed attempt', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([[tee, 2]], { hold: 'checkout' }))
    await shopper.checkout({ authorize: { outcome: 'declined', providerReference: null, reason: 'no' } })
    expect((await promised(tee.sku)).reserved).toBe(0)
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  })

  test('are not prolonged for ever by checkouts that supersede each other', async () => {
    const { shopper, tee } = await withCart(2, 2)
    const capEndsAt = now() + HOLD_RENEWALS_MAX * SETTINGS.holdTtlSeconds * 1000
    let attempt = 0
    while (now() < capEndsAt + PAYMENT_WINDOW_MS) {
      attempt = (await shopper.checkout({ authorize: ACTION })).attempt
      expect((await promised(tee.sku)).reserved).toBe(2)
      testClock.advance(PAYMENT_WINDOW_MS - 60_000)
    }
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
    // Who then pays in time has the order all the same, as nobody took the units.
    const name = { store: STORE.slug, purchaseId: shopper.purchaseId, attempt }
    ok(
      await shopper.rpc.notePayment({
        provider: OFFLINE,
        paymentId: paymentId(name),
        eventId: 'e',
        outcome: 'succeeded',
      }),
    )
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  })

  test('lost between payment and order are held again, and the order is placed', async () => {
    const { shopper, tee } = await withCart()
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    testClock.advance(3_600_000)
    const { step } = await shopper.run(attempt)
    expect(step).toMatchObject({ do: 'finished', answer: { kind: 'placed' } })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  })

  test('lost and sold between payment and order give the payment back and every allocated unit', async () => {
    const shopper = new Shopper()
    const [tee, cap] = [await stocked(5), await stocked(2)]
    ok(
      await shopper.create([
        [tee, 2],
        [cap, 2],
      ]),
    )
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    // One item keeps its hold, the other one's ends early and goes to somebody else.
    await stockOf(env, STORE, cap.sku).release({
      store: STORE,
      purchaseId: shopper.purchaseId,
      version: Date.now() * 2,
    })
    const other = new Shopper()
    ok(await other.create([[cap, 1]]))
    testClock.advance(LEASE_MS + 1)
    const undone = await shopper.run(attempt, 'undo')
    expect(undone.step).toMatchObject({
      do: 'undo',
      request: { providerReference: 'ref', amount: EUR(4000) },
    })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
    const { step } = ok(await shopper.take(undone.step, undone.lease))
    expect(step).toMatchObject({
      answer: { refusal: { code: 'insufficient_stock', facts: { lines: [{ sku: cap.sku, available: 1 }] } } },
    })
    expect(await types(shopper)).toEqual([])
    ok(await shopper.put(cap, 1))
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
    expect(await promised(cap.sku)).toEqual({ reserved: 1, allocated: 1 })
  })
})

describe('the payment', () => {
  test('declined opens the cart, sets the holds back and tells it once', async () => {
    testClock.freeze(Date.now())
    const { shopper, tee } = await withCart()
    const { attempt, answer } = await shopper.checkout({
      authorize: { outcome: 'declined', providerReference: null, reason: 'card_declined' },
    })
    expect(answer).toMatchObject({
      refusal: { code: 'payment_declined', facts: { reason: 'card_declined' } },
    })
    const cart = await shopper.cart()
    expect(cart.status).toBe('open')
    expect(Date.parse(cart.lines[0]!.hold.expiresAt!)).toBe(Date.parse(cart.updatedAt) + 900_000)
    testClock.advance(901_000)
    expect((await promised(tee.sku)).reserved).toBe(0)
    const [event] = await shopper.events()
    expect([event!.type, event!.subject]).toEqual(['payment.failed', `cart:${shopper.purchaseId}`])
    expect(await shopper.rpc.checkoutAnswer({ attempt })).toEqual(answer)
  })

  test('of a provider that is down is undone, refused with 503, and its key is free again', async () => {
    const { shopper } = await withCart()
    const idempotency = stamp()
    const { attempt } = ok(await shopper.begin('tok_error', { idempotency }))
    const { step, lease } = await shopper.run(attempt, 'undo', { authorize: { outcome: 'unavailable' } })
    expect(step).toMatchObject({ do: 'undo', request: { providerReference: '' } })
    const done = ok(await shopper.take(step, lease))
    expect(done.step).toMatchObject({ answer: { refusal: { code: 'payment_provider_unavailable' } } })
    const second = ok(await shopper.begin('tok_error', { idempotency }))
    expect(second).toMatchObject({ attempt: attempt + 1, isReplay: false })
    expect((await shopper.run(second.attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
  })

  test('that cannot be undone now is undone later; neither shopper nor cart waits', async () => {
    const { shopper } = await withCart()
    const { answer } = await shopper.checkout({ authorize: { outcome: 'unavailable' }, isUndone: false })
    expect(answer).toMatchObject({ refusal: { code: 'payment_provider_unavailable' } })
    expect((await shopper.cart()).status).toBe('open')
    const effects = await shopper.rpc.pendingEffects()
    expect(effects).toMatchObject([{ do: 'undo' }])
    await shopper.rpc.settleEffect({ id: effects[0]!.id, isDone: true })
    expect(await shopper.rpc.pendingEffects()).toEqual([])
  })

  test('that needs the shopper waits; the notification places the order, the key keeps its first answer', async () => {
    const { shopper, tee } = await withCart()
    const { attempt, answer } = await shopper.checkout({ authorize: ACTION })
    const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
    expect(answer).toEqual({
      kind: 'requires_action',
      body: { status: 'requires_action', action: { type: 'redirect', url: ACTION.url, paymentId: id } },
    })
    await evictDurableObject(shopper.stub)
    const note = { provider: OFFLINE, paymentId: id, eventId: 'e1', outcome: 'succeeded' as const }
    const forged = await shopper.rpc.notePayment({ ...note, provider: 'stripe' })
    expect(forged, "another provider's word is about no payment of this one").toMatchObject({
      code: 'payment_not_found',
    })
    expect(await shopper.rpc.notePayment(note)).toEqual({ ok: true, attempt })
    ok(await shopper.rpc.notePayment(note))
    const { step } = await shopper.run(attempt)
    expect(step).toMatchObject({ do: 'finished', answer: { kind: 'placed' } })
    ok(await shopper.rpc.notePayment(note))
    expect(await shopper.rpc.checkoutAnswer({ attempt })).toEqual(answer)
    expect(await types(shopper)).toEqual(['order.placed', 'order.paid'])
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
    expect(await shopper.rpc.pendingEffects()).toEqual([])
  })

  test('that overtakes its own answer is not lost', async () => {
    const { shopper } = await withCart()
    const { attempt } = ok(await shopper.begin())
    const { step, lease } = await shopper.run(attempt, 'authorize')
    const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
    ok(
      await shopper.rpc.notePayment({
        provider: OFFLINE,
        paymentId: id,
        eventId: 'e1',
        outcome: 'succeeded',
      }),
    )
    expect(ok(await shopper.take(step, lease, { authorize: ACTION })).step).toEqual({ do: 'place' })
  })

  test('that overtakes its own answer is not lost when that answer is', async () => {
    const { shopper } = await withCart()
    const { attempt } = ok(await shopper.begin())
    const { step, lease } = await shopper.run(attempt, 'authorize')
    const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
    ok(
      await shopper.rpc.notePayment({
        provider: OFFLINE,
        paymentId: id,
        eventId: 'e1',
        outcome: 'succeeded',
      }),
    )
    const told = await shopper.take(step, lease, { authorize: { outcome: 'unavailable' } })
    expect(ok(told).step).toEqual({ do: 'place' })
  })

  test('that fails elsewhere opens the cart; money that lands afterwards is given back', async () => {
    const { shopper } = await withCart()
    const { attempt } = await shopper.checkout({ authorize: ACTION })
    const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
    ok(await shopper.rpc.notePayment({ provider: OFFLINE, paymentId: id, eventId: 'e1', outcome: 'failed' }))
    expect((await shopper.cart()).status).toBe('open')
    expect(await types(shopper)).toEqual(['payment.failed'])
    ok(
      await shopper.rpc.notePayment({
        provider: OFFLINE,
        paymentId: id,
        eventId: 'e2',
        outcome: 'succeeded',
      }),
    )
    expect(await shopper.rpc.pendingEffects()).toMatchObject([{ do: 'undo', request: { paymentId: id } }])
    expect((await shopper.run(attempt)).step).toMatchObject({
      answer: { refusal: { code: 'payment_declined' } },
    })
  })

  test('that the shopper leaves is cancelled when the window ends, and the units are free', async () => {
    const { shopper, tee } = await withCart()
    const { attempt } = await shopper.checkout({ authorize: ACTION })
    testClock.advance(PAYMENT_WINDOW_MS + 1)
    const { step, lease } = await shopper.run(attempt, 'undo')
    expect(step.do).toBe('undo')
    const done = ok(await shopper.take(step, lease))
    expect(done.step).toMatchObject({
      answer: { refusal: { code: 'payment_declined', facts: { reason: 'expired' } } },
    })
    expect((await shopper.cart()).status).toBe('open')
    testClock.advance(900_000)
    expect((await promised(tee.sku)).reserved).toBe(0)
  })

  test('that waits is superseded by another checkout, and undone before that one begins', async () => {
    const { shopper } = await withCart()
    const first = await shopper.checkout({ authorize: ACTION })
    const second = ok(await shopper.begin())
    const { step, lease } = await shopper.run(second.attempt, 'undo')
    const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt: first.attempt })
    expect(step).toMatchObject({ do: 'undo', request: { paymentId: id } })
    expect(ok(await shopper.take(step, lease)).step.do).toBe('reprice')
    testClock.advance(LEASE_MS + 1)
    expect((await shopper.run(second.attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
    expect(await shopper.rpc.checkoutAnswer(first)).toEqual(first.answer)
    ok(
      await shopper.rpc.notePayment({
        provider: OFFLINE,
        paymentId: id,
        eventId: 'late',
        outcome: 'succeeded',
      }),
    )
    expect(await shopper.rpc.pendingEffects()).toMatchObject([{ do: 'undo', request: { paymentId: id } }])
  })

  test('of another purchase or attempt is not there', async () => {
    const { shopper } = await withCart()
    await shopper.checkout()
    for (const attempt of [2, 99]) {
      const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
      expect(
        await shopper.rpc.notePayment({
          provider: OFFLINE,
          paymentId: id,
          eventId: 'e',
          outcome: 'succeeded',
        }),
      ).toMatchObject({
        code: 'payment_not_found',
      })
    }
  })
})

describe('the lease', () => {
  test('keeps a second runner out until it is overdue; then the first one is fenced off', async () => {
    const { shopper } = await withCart()
    const { attempt } = ok(await shopper.begin())
    const first = await shopper.run(attempt, 'authorize')
    expect(await shopper.rpc.takeCheckout({ attempt })).toMatchObject({ code: 'lease_lost', facts: {} })
    testClock.advance(LEASE_MS + 1)
    const second = await shopper.run(attempt, 'place')
    expect(second.lease.fence).toBe(first.lease.fence + 1)
    expect(await shopper.take(first.step, first.lease)).toMatchObject({ code: 'lease_lost' })
    expect(await shopper.rpc.placeOrder({ lease: first.lease })).toMatchObject({ code: 'lease_lost' })
    expect(ok(await shopper.rpc.placeOrder(second)).step.do).toBe('capture')
  })

  test('lets its runner repeat a step whose answer was lost', async () => {
    const { shopper } = await withCart()
    const { attempt } = ok(await shopper.begin())
    const { lease } = await shopper.run(attempt, 'place')
    const once = ok(await shopper.rpc.placeOrder({ lease }))
    expect(ok(await shopper.rpc.placeOrder({ lease }))).toEqual(once)
    expect(await types(shopper)).toEqual(['order.placed'])
  })

  test.each(['reprice', 'hold', 'authorize', 'place', 'capture'] as const)(
    'survives a crash of the object before the step %j',
    async (stop) => {
      const { shopper, tee } = await withCart()
      const { attempt } = ok(await shopper.begin())
      await shopper.run(attempt, stop)
      await evictDurableObject(shopper.stub)
      testClock.advance(LEASE_MS + 1)
      const { step } = await shopper.run(attempt)
      expect(step).toMatchObject({ do: 'finished', answer: { kind: 'placed' } })
      expect(await types(shopper)).toEqual(['order.placed', 'order.paid'])
      expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
    },
  )

  test('of a crash half-way through the holds holds everything once', async () => {
    const shopper = new Shopper()
    const lines = await Promise.all(Array.from({ length: 5 }, () => stocked(3)))
    ok(await shopper.create(lines.map((facts) => [facts, 2])))
    const { attempt } = ok(await shopper.begin())
    const { lease } = await shopper.run(attempt, 'hold')
    await Promise.allSettled([shopper.rpc.hold({ lease }), evictDurableObject(shopper.stub)])
    testClock.advance(LEASE_MS + 1)
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
    for (const { sku } of lines) expect(await promised(sku)).toEqual({ reserved: 0, allocated: 2 })
  })
})

describe('units', () => {
  test('raced for by 30 carts at checkout are sold once each', async () => {
    const tee = await stocked(0)
    await receive(tee.sku, 10)
    const answers = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const shopper = new Shopper()
        ok(await shopper.create([[tee, 1]], { hold: 'checkout' }))
        return (await shopper.checkout()).answer.kind
      }),
    )
    expect(answers.filter((kind) => kind === 'placed')).toHaveLength(10)
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 10 })
  })
})
