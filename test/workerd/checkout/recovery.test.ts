import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { purchaseOf } from '../../../durable-objects/purchase/client.ts'
import { testClock } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { type CheckoutStep, LEASE_MS, type Lease, type PurchaseRpc } from '../../../schema/rpc/purchase.ts'
import { advanceCheckout } from '../../../worker/checkout/advance-checkout.ts'
import { readFreshFacts } from '../../../worker/checkout/read-fresh-facts.ts'
import { testProvider } from '../../../worker/payments/test-provider.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }
const SETTINGS = { store: STORE, holdTtlSeconds: 900, lowStockThreshold: 5, capture: 'automatic' as const }

let sku = ''
let cartId = ''
let purchaseId = ''
let purchase: PurchaseRpc

beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
  const made = await readyCart([{ sku, quantity: 2 }])
  cartId = made.body.id
  purchaseId = parseCartId(cartId)!.purchaseId
  purchase = purchaseOf(env, STORE, purchaseId)
  return () => {
    testClock.reset()
    vi.restoreAllMocks()
  }
})

/** What the first runner of a checkout wrote down before it died. */
async function begin(token = 'tok_ok'): Promise<number> {
  const begun = await purchase.beginCheckout({
    secret: parseCartId(cartId)!.secret,
    settings: SETTINGS,
    payment: { provider: 'test', token, returnUrl: null },
    expectedTotal: null,
    idempotency: { key: crypto.randomUUID(), fingerprint: 'f' },
  })
  if (!begun.ok) throw new Error(begun.code)
  return begun.attempt
}

/** Takes the steps that a runner takes, up to the one before which it dies, and leaves it its lease. */
async function runUntil(attempt: number, stop: CheckoutStep['do']): Promise<void> {
  const taken = await purchase.takeCheckout({ attempt })
  if (!taken.ok) throw new Error(taken.code)
  let { step } = taken
  while (step.do !== stop) {
    const done = await take(step, taken.lease)
    if (!done.ok) throw new Error(`${step.do}: ${done.code}`)
    step = done.step
  }
}

async function take(step: CheckoutStep, lease: Lease): ReturnType<PurchaseRpc['hold']> {
  switch (step.do) {
    case 'reprice': {
      const fresh = await readFreshFacts(env, STORE, step)
      return fresh.ok ? purchase.reprice({ lease, facts: fresh.facts, terms: fresh.terms }) : fresh
    }
    case 'hold':
      return purchase.hold({ lease })
    case 'authorize': {
      const result = { outcome: 'authorized' as const, providerReference: 'reference' }
      return purchase.recordAuthorization({ lease, result })
    }
    case 'place':
      return purchase.placeOrder({ lease })
    default:
      throw new Error(`${step.do} comes after every stop`)
  }
}

const readCart = async () => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('a checkout that lost its runner', () => {
  test('before its first step is finished by the background', async () => {
    await begin()
    await exports.Background.advanceCheckout(STORE, purchaseId)
    expect(await readCart()).toMatchObject({ status: 'completed' })
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test.each(['reprice', 'hold', 'authorize', 'place', 'capture'] as const)(
    'just before the step %j is taken over when the lease is overdue, and is one order',
    async (stop) => {
      const attempt = await begin()
      await runUntil(attempt, stop)
      const early = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(early.kind).toBe('busy')
      testClock.advance(LEASE_MS + 1)
      const taken = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(taken).toMatchObject({ kind: 'answered', answer: { kind: 'placed' } })
      expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
      const again = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(again).toEqual(taken)
    },
  )

  test('and its object as well is finished by the alarm', async () => {
    await begin()
    const stub = env.PURCHASE.get(env.PURCHASE.idFromName(`default/${purchaseId}`))
    await evictDurableObject(stub)
    testClock.advance(LEASE_MS + 1)
    await runDurableObjectAlarm(stub)
    await vi.waitFor(async () => expect((await readCart()).status).toBe('completed'))
    expect((await stock()).allocated).toBe(2)
  })
})

describe('a provider that fails', () => {
  test('after it may have charged is asked to undo, and the shopper is told 503', async () => {
    const voids = vi.spyOn(testProvider, 'void')
    vi.spyOn(testProvider, 'authorize').mockRejectedValue(new Error('connection reset'))
    const down = await checkout(cartId)
    expect([down.status, down.body.code]).toEqual([503, 'payment_provider_unavailable'])
    expect(voids).toHaveBeenCalled()
    expect((await readCart()).status).toBe('open')
    expect(await stock()).toMatchObject({ reserved: 2, allocated: 0 })
  })

  test('at capture leaves the order authorized, and the capture is repeated until it is paid', async () => {
    const capture = vi.spyOn(testProvider, 'capture').mockRejectedValue(new Error('connection reset'))
    const placed = await checkout(cartId)
    expect([placed.status, placed.body.paymentStatus]).toEqual([201, 'authorized'])
    capture.mockRestore()
    await exports.Background.runEffects(STORE, purchaseId)
    const { body: order } = await call('GET', `/v1/orders/${placed.body.id}?token=${placed.body.token}`)
    expect(order.paymentStatus).toBe('paid')
  })

  test('as often as it says that the money was captured, refunds instead of voiding', async () => {
    vi.spyOn(testProvider, 'void').mockResolvedValue('captured')
    const refund = vi.spyOn(testProvider, 'refund')
    const placed = await checkout(cartId)
    await staff('POST', `/v1/admin/orders/${placed.body.id}/cancellation`)
    await exports.Background.runEffects(STORE, purchaseId)
    expect(refund).toHaveBeenCalled()
  })
})
