import type { Money } from '../../schema/money.ts'

/**
 * Where Stripe's unit of a currency is not its ISO 4217 minor unit (docs.stripe.com/currencies, "Special cases" and
 * "Three-decimal currencies"). Everything else, the currencies without decimals included, is the same integer in both.
 */
const TIMES_100: ReadonlySet<string> = new Set(['ISK', 'UGX'])
/** ISO counts hundredths, Stripe whole units: an amount with hundredths has no way to be said. */
const BY_100: ReadonlySet<string> = new Set(['MGA'])
/** Thousandths, of which Stripe takes whole tens alone. */
const WHOLE_TENS: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])
/** Not of two decimals and not described by Stripe: what a number would mean there is anybody's guess. */
const UNKNOWN: ReadonlySet<string> = new Set(['CLF', 'IQD', 'LYD', 'UYI', 'UYW'])

/** The integer that Stripe is asked for, or null when exactly this amount cannot be asked for. Never another amount. */
export function stripeAmount({ amount, currency }: Money): number | null {
  if (UNKNOWN.has(currency)) return null
  if (TIMES_100.has(currency)) return amount * 100
  if (BY_100.has(currency)) return amount % 100 === 0 ? amount / 100 : null
  if (WHOLE_TENS.has(currency) && amount % 10 !== 0) return null
  return amount
}
