import type { EpochMs } from '../../runtime/clock.ts'
import { PAYMENT_WINDOW_MS } from '../../schema/rpc/purchase.ts'

/**
 * Renewing may not keep units from others for more than 4 times the store's TTL without a gap: long enough for a
 * slow shopper (an hour by default), short enough that a script gains little by touching its cart.
 */
export const HOLD_RENEWALS_MAX = 4

/** Beyond the payment window: the time it takes to void a late payment and to place an order that came at the last moment. */
export const CHECKOUT_HOLD_MARGIN_MS = 60_000

/** The cap on renewing: units held since then without a gap are not held past this moment, a last checkout apart. */
export function renewableUntil(since: EpochMs, holdTtlSeconds: number): EpochMs {
  return since + HOLD_RENEWALS_MAX * holdTtlSeconds * 1000
}

/** When a hold that is set now ends: one TTL from now, but not past the cap on renewing. */
export function holdUntil(now: EpochMs, since: EpochMs, holdTtlSeconds: number): EpochMs {
  return Math.min(now + holdTtlSeconds * 1000, renewableUntil(since, holdTtlSeconds))
}

export function checkoutHoldUntil(now: EpochMs): EpochMs {
  return now + PAYMENT_WINDOW_MS + CHECKOUT_HOLD_MARGIN_MS
}
