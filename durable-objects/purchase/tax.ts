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

/**
 * Whether the buyer owes the tax: a business of the country that the goods go to, by its VAT number (Directive 2006/112/EC,
 * articles 138 and 194: Greek numbers begin with EL), and a rate that the merchant has marked so. Whether the number is in
 * force is not asked here.
 */
export function owesTaxItself(
  business: { vatNumber?: string | undefined } | null,
  { isReverseCharge, country }: TaxRate,
): boolean {
  if (!isReverseCharge || !business?.vatNumber) return false
  return business.vatNumber.startsWith(country === 'GR' ? 'EL' : country)
}

export function fractionOf(decimal: string): Fraction {
  const [whole = '0', decimals = ''] = decimal.split('.')
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) }
}

/** A part of an amount, half up to the minor unit. */
export function shareOf(amount: bigint, { numerator, denominator }: Fraction): bigint {
  return (2n * amount * numerator + denominator) / (2n * denominator)
}

/** The tax in an amount (`isIncluded`) or on top of it, half up to the minor unit. Exact: no floating point. */
export function taxOf(amount: number, rate: Fraction, isIncluded: boolean): number {
  const denominator = isIncluded ? rate.denominator + rate.numerator : rate.denominator
  return Number(shareOf(BigInt(amount), { numerator: rate.numerator, denominator }))
}
