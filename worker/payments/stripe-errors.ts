import Stripe from 'stripe'

/** What an error of Stripe means for the question that was asked. */
export type StripeFault =
  /** An answer: the shopper's means of payment said no. */
  | { kind: 'declined'; reason: string }
  /** An answer: Stripe will not do this, and would not if it were asked again. */
  | { kind: 'refused'; reason: string; parameter: string | null }
  /** No answer: network, time, rate limits, another request on the same object, 5xx, and keys that do not fit. */
  | { kind: 'weather'; reason: string }

/** Stripe asks not to tell the shopper of these: whoever tries stolen cards would learn from it. */
const KEPT_QUIET: ReadonlySet<string> = new Set([
  'fraudulent',
  'lost_card',
  'merchant_blacklist',
  'pickup_card',
  'restricted_card',
  'security_violation',
  'stolen_card',
])

export function faultOf(error: unknown): StripeFault {
  if (!(error instanceof Stripe.errors.StripeError)) return { kind: 'weather', reason: 'not_an_answer' }
  const reason = error.code ?? error.type
  if (error instanceof Stripe.errors.StripeCardError) {
    return { kind: 'declined', reason: quietReason(error.decline_code || reason) }
  }
  if (error instanceof Stripe.errors.StripeInvalidRequestError) {
    return { kind: 'refused', reason, parameter: error.param ?? null }
  }
  return { kind: 'weather', reason: [error.type, error.code, error.statusCode].filter(Boolean).join(' ') }
}

/** A failure of Stripe that every request under this key was and will be answered with. */
export function isKeptFailure(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeAPIError && error.headers?.['idempotent-replayed'] === 'true'
}

export function quietReason(reason: string): string {
  return KEPT_QUIET.has(reason) ? 'card_declined' : reason
}

/**
 * The error as it may be logged. Stripe's own messages quote keys and tokens, so none of them goes further than here;
 * the request id finds them in Stripe's dashboard.
 */
export function withoutSecrets(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error
  const { requestId } = error
  const { kind, reason } = faultOf(error)
  return new Error(`Stripe: ${kind}, ${reason}${requestId ? `, ${requestId}` : ''}`)
}
