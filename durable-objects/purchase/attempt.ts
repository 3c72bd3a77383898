import type { EpochMs } from '../../runtime/clock.ts'
import type { Discount } from '../../schema/http/discount.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import type { MarketTerms, VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import {
  type AuthorizeResult,
  type CheckoutAnswer,
  type CheckoutStep,
  type CustomerKey,
  LEASE_MS,
  PAYMENT_WINDOW_MS,
} from '../../schema/rpc/purchase.ts'
import { missingParts } from './begin-checkout.ts'
import { repriceLines, whyOverCustomerLimit, whyTooLarge } from './decide-cart.ts'
import { countUses, refreshDiscounts } from './discount-commands.ts'
import { EFFECT_RETRY_FIRST_MS, withEffect } from './effects.ts'
import { paymentFailedEvent, reasonCode } from './event-data.ts'
import { authorizeRequest, captureRequest, paymentOf, undoRequest } from './payment-request.ts'
import { serves } from './shipping.ts'
import type { Attempt, Change, PurchaseState } from './state.ts'
import { priceCart } from './totals.ts'

/** What the runner does next. `answer`: what the attempt was answered with, if it was. */
export function stepOf(state: PurchaseState, answer: CheckoutAnswer | null): CheckoutStep {
  const attempt = state.attempt!
  switch (attempt.stage) {
    case 'repricing':
      return {
        do: 'reprice',
        skus: state.lines.map(({ facts }) => facts.sku),
        market: state.terms.code,
        locale: state.locale,
        email: state.contact?.email ?? null,
        discounts: state.discounts.map(({ discount }) => discount.code),
      }
    case 'holding':
      return { do: 'hold' }
    case 'authorizing':
      return { do: 'authorize', request: authorizeRequest(attempt) }
    case 'placing':
      return { do: 'place' }
    case 'capturing':
      return { do: 'capture', request: captureRequest(paymentOf(attempt)) }
    case 'undoing':
      return { do: 'undo', request: undoRequest(attempt.previous ?? paymentOf(attempt)) }
    case 'waiting':
      return { do: 'wait', answer: answer! }
    case 'done':
    case 'failed':
      return { do: 'finished', answer: finishedAnswer(state, answer) }
  }
}

/** A shopper who was sent to pay elsewhere keeps that answer under the key; whoever finishes sees how it ended. */
function finishedAnswer(state: PurchaseState, answer: CheckoutAnswer | null): CheckoutAnswer {
  if (answer && answer.kind !== 'requires_action') return answer
  if (state.attempt!.stage === 'failed') return { kind: 'refused', refusal: state.attempt!.refusal! }
  return { kind: 'placed', order: { ...state.order!, token: state.orderToken! } }
}

/** Moves on and keeps the lease for one more step. */
export function advance(state: PurchaseState, patch: Partial<Attempt>, at: EpochMs): PurchaseState {
  const isResting = patch.stage === 'waiting' || patch.stage === 'done' || patch.stage === 'failed'
  const leaseUntil = isResting ? 0 : at + LEASE_MS
  return { ...state, attempt: { ...state.attempt!, leaseUntil, steppedAt: at, ...patch } }
}

/** Ends the attempt with a refusal and opens the cart again. */
export function fail(state: PurchaseState, refusal: Refusal, at: EpochMs, isKept = true): Change {
  const { payment } = state.attempt!
  const failed = advance(
    state,
    // The token has done its work; it is not kept.
    { stage: 'failed', refusal, hasLongHolds: true, payment: { ...payment, token: '' } },
    at,
  )
  return {
    state: { ...failed, status: 'open', updatedAt: at },
    answer: { attempt: failed.attempt!.number, answer: { kind: 'refused', refusal }, isKept },
  }
}

/** What the runner has read anew. */
export interface Fresh {
  facts: readonly VariantFacts[]
  terms: MarketTerms
  customer: CustomerKey | null
  /** Those of the cart's codes that the store still has. */
  discounts: readonly Discount[]
}

/** New prices and terms. Nothing is charged unless the total is what the shopper expects. */
export function reprice(
  state: PurchaseState,
  { facts, terms, customer, discounts }: Fresh,
  at: EpochMs,
): Change {
  const lines = repriceLines(state.lines, facts)
  if (!Array.isArray(lines)) return fail(state, lines, at)
  // Said anew with each checkout: a cart may be older than the quotas, and the key of the hash may have changed.
  const today = refreshDiscounts(state, discounts, at)
  const fresh = { ...state, lines, terms, customer, discounts: today.discounts }
  if (today.gone) return fail(fresh, today.gone, at)
  const repriced = countUses(fresh, at)
  const over = lines.find((line) => line.quantity > (line.facts.maxPerOrder ?? Number.POSITIVE_INFINITY))
  if (over) {
    const { sku, maxPerOrder } = over.facts
    return fail(state, refuse('quantity_limit_exceeded', undefined, { sku, limit: maxPerOrder }), at)
  }
  const overForOne = whyOverCustomerLimit(lines)
  if (overForOne) return fail(state, overForOne, at)
  const country = repriced.shippingAddress?.country
  if (country && !serves(terms.countries, country)) {
    return fail(state, refuse('country_not_in_market', undefined, { country, market: terms.code }), at)
  }
  const tooLarge = whyTooLarge(repriced, at)
  if (tooLarge) return fail(state, tooLarge, at)
  const missing = missingParts(repriced)
  if (missing.length > 0) return fail(repriced, refuse('cart_incomplete', undefined, { missing }), at)
  const { totals } = priceCart(repriced, at)
  const { expectedTotal } = state.attempt!
  const isExpected =
    !expectedTotal ||
    (expectedTotal.amount === totals.total.amount && expectedTotal.currency === totals.total.currency)
  if (!isExpected) {
    return fail(repriced, refuse('total_changed', undefined, { total: totals.total, expectedTotal }), at)
  }
  return { state: advance(repriced, { stage: 'holding', totals, pricedAt: at }, at) }
}

/** Everything is held past the payment window. Nothing to pay: straight to the order. */
export function held(state: PurchaseState, at: EpochMs): Change {
  const { totals, payment } = state.attempt!
  const isFree = totals!.total.amount === 0
  return {
    state: isFree
      ? // A token that nothing needs is not kept.
        advance(state, { stage: 'placing', decision: 'commit', payment: { ...payment, token: '' } }, at)
      : advance(state, { stage: 'authorizing', windowEndsAt: at + PAYMENT_WINDOW_MS }, at),
  }
}

export function recordAuthorization(state: PurchaseState, result: AuthorizeResult, at: EpochMs): Change {
  switch (result.outcome) {
    case 'authorized':
      return commit(state, result.providerReference, at)
    case 'declined':
      return decline(state, result.reason, at)
    case 'unavailable':
      // The answer was lost, but the notification was not.
      if (state.attempt!.noted === 'succeeded') return commit(state, null, at)
      return undo(state, refuse('payment_provider_unavailable'), at)
    case 'requires_action': {
      const { noted } = state.attempt!
      if (noted === 'succeeded') return commit(state, result.providerReference, at)
      if (noted === 'failed') return decline(state, 'failed', at)
      return waitForAction(state, result, at)
    }
  }
}

/** The decision, written down before the irreversible happens. */
function commit(state: PurchaseState, providerReference: string | null, at: EpochMs): Change {
  const reference = providerReference ?? state.attempt!.providerReference
  const { payment } = state.attempt!
  return {
    state: advance(
      state,
      {
        stage: 'placing',
        decision: 'commit',
        providerReference: reference,
        payment: { ...payment, token: '' },
      },
      at,
    ),
  }
}

function decline(state: PurchaseState, reason: string, at: EpochMs): Change {
  const attempt = state.attempt!
  const refusal = refuse('payment_declined', undefined, { reason: reasonCode(reason) })
  return {
    ...fail(state, refusal, at),
    events: [paymentFailedEvent(state, attempt, attempt.totals!.total, reason)],
  }
}

function waitForAction(
  state: PurchaseState,
  { providerReference, url }: { providerReference: string; url: string },
  at: EpochMs,
): Change {
  const { number, paymentId } = state.attempt!
  const body = { status: 'requires_action' as const, action: { type: 'redirect', url, paymentId } }
  return {
    state: advance(state, { stage: 'waiting', providerReference, actionUrl: url }, at),
    answer: { attempt: number, answer: { kind: 'requires_action', body }, isKept: true },
  }
}

/** Decides to give the payment back, before anybody does: `refusal` becomes the answer once it is done. */
export function undo(state: PurchaseState, refusal: Refusal, at: EpochMs): Change {
  return { state: advance(state, { stage: 'undoing', decision: 'void', refusal }, at) }
}

/** The shopper had the time to pay and did not: the payment is cancelled first, then the units are given back. */
export function endWindow(state: PurchaseState, at: EpochMs): Change {
  return undo(state, refuse('payment_declined', 'The time to pay ran out.', { reason: 'expired' }), at)
}

/** A checkout that could not even hold its units for a whole payment window has met weather; the key is free again. */
export function giveUp(state: PurchaseState, at: EpochMs): Change {
  return fail(state, refuse('unavailable'), at, false)
}

/**
 * The payment is given back, or will be: a provider that does not answer is asked again from the alarm, and neither
 * the shopper nor the cart waits for it.
 */
export function recordUndone(state: PurchaseState, isDone: boolean, at: EpochMs): Change {
  const attempt = state.attempt!
  const payment = attempt.previous ?? paymentOf(attempt)
  const settled = isDone ? state : withEffect(state, 'undo', payment, at + EFFECT_RETRY_FIRST_MS)
  if (attempt.previous) return { state: advance(settled, { stage: 'repricing', previous: null }, at) }
  const refusal = attempt.refusal ?? refuse('payment_declined')
  const isKept = refusal.code !== 'payment_provider_unavailable' && refusal.code !== 'unavailable'
  return {
    ...fail(settled, refusal, at, isKept),
    ...(refusal.code === 'payment_declined'
      ? { events: [paymentFailedEvent(state, attempt, attempt.totals!.total, 'expired')] }
      : {}),
  }
}

/**
 * A provider's notification about the present attempt's payment. Null: nothing changes, since the attempt knows
 * already or its payment is being undone, which also gives back what was captured.
 */
export function notePayment(
  state: PurchaseState,
  outcome: 'succeeded' | 'failed',
  at: EpochMs,
): Change | null {
  const { stage } = state.attempt!
  if (stage === 'authorizing') return { state: { ...state, attempt: { ...state.attempt!, noted: outcome } } }
  if (stage !== 'waiting') return null
  if (outcome === 'failed') return decline(state, 'failed', at)
  // No runner holds it yet: whoever comes first takes the lease.
  const committed = commit(state, null, at).state
  return { state: { ...committed, attempt: { ...committed.attempt!, leaseUntil: 0 } } }
}
