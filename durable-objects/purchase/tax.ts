import type { EpochMs } from '../../runtime/clock.ts'
import { fromIso } from '../../runtime/clock.ts'
import type { MarketTerms, TaxRate } from '../../schema/rpc/catalogue-facts.ts'

/** A rate as an exact fraction: "0.19" is 19/100. */
export interface Fraction {
  numerator: bigint
  denominator: bigint
}

export interface Destination {
  country: string | null
  region: string | null
}

/**
 * Where the goods go. Before the shopper has given an address: the market's only country if it has exactly
 * one, else nowhere, and no tax is shown yet.
 */
export function destinationOf(
  terms: MarketTerms,
  address: { country: string; region?: string | undefined } | null,
): Destination {
  if (address) return { country: address.country, region: address.region ?? null }
  return { country: terms.countries.length === 1 ? terms.countries[0]! : null, region: null }
}

/** The one rate that applies: a region's before its country's, then the one that came into force last. */
export function pickRate(
  rates: readonly TaxRate[],
  destination: Destination,
  taxCategory: string,
  at: EpochMs,
): TaxRate | null {
  const inForceSince = (rate: TaxRate) => (rate.validFrom === null ? -Infinity : fromIso(rate.validFrom))
  const candidates = rates.filter(
    (rate) =>
      rate.country === destination.country &&
      rate.taxCategory === taxCategory &&
      (rate.region === null || rate.region === destination.region) &&
      inForceSince(rate) <= at,
  )
  candidates.sort((a, b) => {
    const byRegion = Number(b.region !== null) - Number(a.region !== null)
    if (byRegion !== 0) return byRegion
    if (inForceSince(a) !== inForceSince(b)) return inForceSince(a) < inForceSince(b) ? 1 : -1
    return a.code < b.code ? -1 : 1
  })
  return candidates[0] ?? null
}

export function fractionOf(decimal: string): Fraction {
  const [whole = '0', decimals = ''] = decimal.split('.')
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) }
}

/** The tax in an amount (`isIncluded`) or on top of it, half up to the minor unit. Exact: no floating point. */
export function taxOf(amount: number, rate: Fraction, isIncluded: boolean): number {
  const divisor = isIncluded ? rate.denominator + rate.numerator : rate.denominator
  return Number((2n * BigInt(amount) * rate.numerator + divisor) / (2n * divisor))
}
