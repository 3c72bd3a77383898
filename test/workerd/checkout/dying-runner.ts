import { env } from 'cloudflare:workers'
import { purchaseOf } from '../../../durable-objects/purchase/client.ts'
import { parseCartId } from '../../../schema/ids.ts'
import type { CheckoutStep, Lease, PurchaseRpc } from '../../../schema/rpc/purchase.ts'
import { customerKeyOf } from '../../../worker/carts/customer-key.ts'
import { readFreshFacts } from '../../../worker/checkout/read-fresh-facts.ts'
import { authorizePayment, capturePayment, undoPayment } from '../../../worker/payments/ask-provider.ts'

export const STORE = { slug: 'default', jurisdiction: null, region: null }
const SETTINGS = { store: STORE, holdTtlSeconds: 900, lowStockThreshold: 5, capture: 'automatic' as const }

/** What the request of a checkout writes down before it dies; null when the purchase refuses it. */
export async function beginAndDie(cartId: string, token = 'tok_ok'): Promise<number | null> {
  const { purchaseId, secret } = parseCartId(cartId)!
  const begun = await purchaseOf(env, STORE, purchaseId).beginCheckout({
    secret,
    settings: SETTINGS,
    payment: { provider: 'test', token, returnUrl: null },
    expectedTotal: null,
    idempotency: { key: crypto.randomUUID(), fingerprint: 'f' },
  })
  return begun.ok ? begun.attempt : null
}

/**
 * Takes the steps that a runner takes, up to the one before which it dies, and leaves it its lease. It ends earlier
 * where the lease is another's or the attempt ends.
 */
export async function runAndDie(cartId: string, attempt: number, before: CheckoutStep['do']): Promise<void> {
  const purchase = purchaseOf(env, STORE, parseCartId(cartId)!.purchaseId)
  const taken = await purchase.takeCheckout({ attempt })
  if (!taken.ok) return
  let { step } = taken
  while (step.do !== before && step.do !== 'wait' && step.do !== 'finished') {
    const done = await take(purchase, step, taken.lease)
    if (!done.ok) return
    step = done.step
  }
}

async function take(
  purchase: PurchaseRpc,
  step: CheckoutStep,
  lease: Lease,
): ReturnType<PurchaseRpc['hold']> {
  switch (step.do) {
    case 'reprice': {
      const fresh = await readFreshFacts(env, STORE, step)
      if (!fresh.ok) return fresh
      const customer = await customerKeyOf(env, STORE, { customerId: null, email: step.email })
      return purchase.reprice({
        lease,
        facts: fresh.facts,
        terms: fresh.terms,
        customer,
        discounts: fresh.discounts,
      })
    }
    case 'hold':
      return purchase.hold({ lease })
    case 'authorize': {
      const result = await authorizePayment(env, step.request)
      return purchase.recordAuthorization({ lease, result })
    }
    case 'place':
      return purchase.placeOrder({ lease })
    case 'capture':
      return purchase.recordCapture({ lease, isCaptured: await capturePayment(env, step.request) })
    case 'undo':
      return purchase.recordUndone({ lease, isDone: await undoPayment(env, step.request) })
    default:
      throw new Error(`${step.do} is no step to take`)
  }
}
