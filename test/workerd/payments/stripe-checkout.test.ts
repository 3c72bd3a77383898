import { env as tests } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { purchaseOf } from '../../../durable-objects/purchase/client.ts'
import { testClock } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { type CheckoutAnswer, PAYMENT_WINDOW_MS } from '../../../schema/rpc/purchase.ts'
import { advanceCheckout } from '../../../worker/checkout/advance-checkout.ts'
import { notePayment } from '../../../worker/checkout/note-payment.ts'
import { runEffects } from '../../../worker/orders/run-effects.ts'
import { authorizePayment } from '../../../worker/payments/ask-provider.ts'
import { providerOf } from '../../../worker/payments/providers.ts'
import { call, staff } from '../../support/api.ts'
import { checkout as checkOutByTest, readyCart, stocked } from '../../support/shop.ts'
import type { StripeAccount } from '../../support/stripe-account.ts'
import { newMerchant } from './stripe-merchant.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }
const SETTINGS = { store: STORE, holdTtlSeconds: 900, lowStockThreshold: 5, capture: 'automatic' as const }
const TOTAL = 2000

let account: StripeAccount
let env: Env
let sku = ''
beforeEach(async () => {
  const merchant = newMerchant()
  account = merchant.account
  env = merchant.env
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 2)
})
afterEach(() => testClock.reset())

const newCartId = async (): Promise<string> => (await readyCart([{ sku, quantity: 2 }])).body.id
const purchaseIdOf = (cartId: string) => parseCartId(cartId)!.purchaseId
const purchase = (cartId: string) => purchaseOf(tests, STORE, purchaseIdOf(cartId))
const readCart = async (cartId: string) => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => {
  const { reserved, allocated } = (await staff('GET', `/v1/admin/stock/${sku}`)).body
  return { reserved, allocated }
}
const advance = (cartId: string) => advanceCheckout(env, STORE, purchaseIdOf(cartId))

async function begin(cartId: string, token: string): Promise<number> {
  const begun = await purchase(cartId).beginCheckout({
    secret: parseCartId(cartId)!.secret,
    settings: SETTINGS,
    payment: { provider: 'stripe', token, returnUrl: 'https://shop.example/back' },
    expectedTotal: null,
    idempotency: { key: crypto.randomUUID(), fingerprint: 'f' },
  })
  if (!begun.ok) throw new Error(begun.code)
  return begun.attempt
}

/** A checkout as the route runs it, in a deployment with Stripe. */
async function checkOut(cartId: string, token: string): Promise<CheckoutAnswer> {
  await begin(cartId, token)
  const progress = await advance(cartId)
  if (progress.kind === 'busy') throw new Error('busy')
  return progress.answer
}

/** The address of the bank's page. */
async function atTheBank(cartId: string, token = 'pm_card_threeDSecure2Required'): Promise<string> {
  const answer = await checkOut(cartId, token)
  if (answer.kind !== 'requires_action') throw new Error(JSON.stringify(answer))
  return answer.body.action.url
}

/** Stripe sends all its events, oldest first or newest first. */
async function notify(order: 'in order' | 'backwards' = 'in order'): Promise<void> {
  const { events } = await account.state()
  for (const { body, signature } of order === 'in order' ? events : events.reverse()) {
    const headers = new Headers({ 'Stripe-Signature': signature })
    const verdict = await providerOf(env, 'stripe')!.parseNotification(headers, body)
    if (verdict.kind === 'payment') {
      expect(await notePayment(env, 'stripe', verdict.notification, null)).toMatchObject({ ok: true })
    }
  }
}

describe('a checkout with Stripe', () => {
  test('charges the card once all stock is allocated', async () => {
    const cartId = await newCartId()
    const answer = await checkOut(cartId, 'pm_card_visa')
    if (answer.kind !== 'placed') throw new Error(JSON.stringify(answer))
    expect(answer.order).toMatchObject({ paymentStatus: 'paid', payments: [{ provider: 'stripe' }] })
    await notify()
    await notify('backwards')
    expect([await account.money(), await stock()]).toEqual([TOTAL, { reserved: 0, allocated: 2 }])
  })

  test('that is declined leaves the cart open for another means of payment', async () => {
    const cartId = await newCartId()
    const declined = await checkOut(cartId, 'pm_card_visa_chargeDeclinedInsufficientFunds')
    expect(declined).toMatchObject({
      kind: 'refused',
      refusal: { code: 'payment_declined', facts: { reason: 'insufficient_funds' } },
    })
    await notify()
    expect((await readCart(cartId)).status).toBe('open')
    expect((await checkOut(cartId, 'pm_card_visa')).kind).toBe('placed')
    await notify('backwards')
    expect(await account.money()).toBe(TOTAL)
  })

  test.each(['in order', 'backwards'] as const)(
    'and a second factor is one order, notified %s and again',
    async (order) => {
      const cartId = await newCartId()
      expect(await account.atTheBank(await atTheBank(cartId), 'succeeded')).toBe(true)
      await notify(order)
      const { status, order: placed } = await readCart(cartId)
      expect(status).toBe('completed')
      await notify()
      expect((await readCart(cartId)).order).toEqual(placed)
      expect([await account.money(), await stock()]).toEqual([TOTAL, { reserved: 0, allocated: 2 }])
    },
  )

  test('whose second factor failed opens the cart again', async () => {
    const cartId = await newCartId()
    await account.atTheBank(await atTheBank(cartId), 'failed')
    await notify()
    expect([(await readCart(cartId)).status, await account.money()]).toEqual(['open', 0])
  })

  test('whose answer was lost is an order when its notification was not', async () => {
    const cartId = await newCartId()
    const attempt = await begin(cartId, 'pm_card_visa')
    const taken = await purchase(cartId).takeCheckout({ attempt })
    if (!taken.ok) throw new Error(taken.code)
    await purchase(cartId).reprice({
      lease: taken.lease,
      ...(await freshFacts(cartId)),
      customer: null,
    })
    const held = await purchase(cartId).hold({ lease: taken.lease })
    if (!held.ok || held.step.do !== 'authorize') throw new Error('not there')
    await account.breakNext({ on: 'confirm', lost: 'answer', times: 3 })
    const result = await authorizePayment(env, held.step.request)
    expect(result).toEqual({ outcome: 'unavailable' })
    // The note comes while this runner has the lease.
    await purchase(cartId).notePayment({
      provider: 'stripe',
      paymentId: held.step.request.paymentId,
      eventId: 'evt_1',
      outcome: 'succeeded',
    })
    await purchase(cartId).recordAuthorization({ lease: taken.lease, result })
    testClock.advance(60_000)
    await advance(cartId)
    expect([(await readCart(cartId)).status, await account.money()]).toEqual(['completed', TOTAL])
  })

  test('that another checkout of the cart supersedes is cancelled before anybody can pay it', async () => {
    const cartId = await newCartId()
    const url = await atTheBank(cartId)
    expect((await checkOut(cartId, 'pm_card_visa')).kind).toBe('placed')
    expect(await account.atTheBank(url, 'succeeded')).toBe(false)
    await notify()
    expect([await account.money(), await stock()]).toEqual([TOTAL, { reserved: 0, allocated: 2 }])
  })

  test.each(['before', 'after'] as const)(
    'whose time ran out takes no money, the shopper having proved %s it was cancelled',
    async (when) => {
      const cartId = await newCartId()
      const url = await atTheBank(cartId)
      testClock.advance(PAYMENT_WINDOW_MS + 1)
      if (when === 'before') await account.atTheBank(url, 'succeeded')
      const ended = await advance(cartId)
      expect(ended).toMatchObject({
        answer: { refusal: { code: 'payment_declined', facts: { reason: 'expired' } } },
      })
      if (when === 'after') expect(await account.atTheBank(url, 'succeeded')).toBe(false)
      testClock.reset()
      await notify()
      await runEffects(env, STORE, purchaseIdOf(cartId))
      expect(await purchase(cartId).pendingEffects()).toEqual([])
      expect([await account.money(), (await account.intent()).status]).toEqual([0, 'canceled'])
      expect((await readCart(cartId)).order).toBeNull()
    },
  )

  test('charged at the bank after the goods went to somebody else is refunded by itself, once', async () => {
    const cartId = await newCartId()
    const url = await atTheBank(cartId, 'pm_bank')
    testClock.advance(PAYMENT_WINDOW_MS * 4)
    const other = await readyCart([{ sku, quantity: 2 }])
    expect((await checkOutByTest(other.body.id)).status).toBe(201)
    await account.atTheBank(url, 'succeeded')
    expect(await account.money()).toBe(TOTAL)
    await noteAll()
    await noteAll()
    await runEffects(env, STORE, purchaseIdOf(cartId))
    const { refunds } = await account.state()
    expect([await account.money(), refunds.length]).toEqual([0, 1])
    expect((await readCart(cartId)).order).toBeNull()
    expect(await stock()).toEqual({ reserved: 0, allocated: 2 })
  })
})

/** As `notify`, with the clock where the test put it. */
async function noteAll(): Promise<void> {
  const { events } = await account.state()
  for (const { type, body } of events) {
    if (type !== 'payment_intent.succeeded') continue
    const event = JSON.parse(body)
    const { paymentId } = event.data.object.metadata
    await notePayment(env, 'stripe', { paymentId, eventId: event.id, outcome: 'succeeded' }, null)
  }
}

async function freshFacts(cartId: string) {
  const { readFreshFacts } = await import('../../../worker/checkout/read-fresh-facts.ts')
  const { market, locale } = await readCart(cartId)
  const fresh = await readFreshFacts(tests, STORE, { skus: [sku], market, locale, discounts: [] })
  if (!fresh.ok) throw new Error(fresh.code)
  return { facts: fresh.facts, terms: fresh.terms, discounts: fresh.discounts }
}
