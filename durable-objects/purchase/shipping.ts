import type { MarketTerms } from '../../schema/rpc/catalogue-facts.ts'
import type { Line, PurchaseState } from './state.ts'

/** What the chosen method costs, in minor units; nothing where nothing ships. */
export function shippingPrice(cart: {
  lines: readonly Line[]
  terms: MarketTerms
  shippingMethod: string | null
}): number {
  if (!cart.lines.some(({ facts }) => facts.requiresShipping)) return 0
  return cart.terms.shippingMethods.find(({ code }) => code === cart.shippingMethod)?.price ?? 0
}

/** Whether a list of countries serves one; an empty list serves all. */
export function serves(countries: readonly string[], country: string): boolean {
  return countries.length === 0 || countries.includes(country)
}

/** The chosen method, when the market still offers it and it serves the address (or none is known yet). */
export function usableShippingMethod(
  state: Pick<PurchaseState, 'terms' | 'shippingMethod' | 'shippingAddress'>,
): MarketTerms['shippingMethods'][number] | null {
  const method = state.terms.shippingMethods.find(({ code }) => code === state.shippingMethod)
  if (!method) return null
  const { shippingAddress } = state
  return shippingAddress && !serves(method.countries, shippingAddress.country) ? null : method
}
