import type { EpochMs } from '../../runtime/clock.ts'
import { paymentId } from '../../schema/ids.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import type { BeginCheckoutCommand } from '../../schema/rpc/purchase.ts'
import { whyOver } from './decide-cart.ts'
import { paymentOf } from './payment-request.ts'
import { usableShippingMethod } from './shipping.ts'
import type { Attempt, PurchaseState } from './state.ts'

/** What the shopper must still give; empty when the cart can be checked out. */
export function missingParts(state: PurchaseState): string[] {
  const missing: string[] = []
  if (state.lines.length === 0) missing.push('lines')
  if (!state.contact?.email) missing.push('contact')
  if (state.lines.some(({ facts }) => facts.requiresShipping)) {
    if (!state.shippingAddress) missing.push('shippingAddress')
    if (!usableShippingMethod(state)) missing.push('shippingMethod')
  }
  return missing
}

/** Refusals that belong to the moment and not to the key: asking again with the same key may succeed. */
export function whyNotNow(state: PurchaseState): Refusal | null {
  const isBusy = state.status === 'checking_out' && state.attempt?.stage !== 'waiting'
  return isBusy ? refuse('checkout_in_progress') : null
}

/** Refusals that are this key's answer for as long as it is kept. */
export function whyNotAtAll(state: PurchaseState): Refusal | null {
  const over = whyOver(state)
  if (over) return over
  const missing = missingParts(state)
  return missing.length > 0 ? refuse('cart_incomplete', undefined, { missing }) : null
}

/**
 * Closes the lines and writes the attempt down. An attempt that only waits for its shopper is superseded: its payment
 * is undone first, so that the shopper cannot pay twice.
 */
export function beginAttempt(
  state: PurchaseState,
  command: BeginCheckoutCommand,
  number: number,
  at: EpochMs,
): PurchaseState {
  const waiting = state.attempt?.stage === 'waiting' ? state.attempt : null
  const attempt: Attempt = {
    number,
    stage: waiting ? 'undoing' : 'repricing',
    fence: 0,
    leaseUntil: 0,
    begunAt: at,
    steppedAt: at,
    payment: command.payment,
    paymentId: paymentId({
      store: command.settings.store.slug,
      purchaseId: state.purchaseId,
      attempt: number,
    }),
    providerReference: null,
    expectedTotal: command.expectedTotal,
    totals: null,
    pricedAt: at,
    windowEndsAt: null,
    decision: null,
    refusal: null,
    previous: waiting && paymentOf(waiting),
    noted: null,
    hasLongHolds: false,
    actionUrl: null,
  }
  return {
    ...state,
    settings: command.settings,
    status: 'checking_out',
    endedAt: null,
    updatedAt: at,
    attempt,
  }
}
