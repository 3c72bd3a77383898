import type { Discount } from '../../schema/http/discount.ts'
import type { MarketTerms, TaxRate } from '../../schema/rpc/catalogue-facts.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** Everything a request needs to know of its store: one read, kept in memory for some seconds. */
export interface Store {
  ref: StoreRef
  name: string
  defaultMarket: string
  holdTtlSeconds: number
  capture: 'automatic' | 'manual'
  lowStockThreshold: number
  storefrontUrl: string | null
  policies: Record<string, string>
  markets: Market[]
  locations: Location[]
  taxRates: TaxRate[]
  shippingMethods: ShippingMethod[]
  discounts: Discount[]
}

export interface Market {
  code: string
  name: string
  /** ISO 3166-1 alpha-2; empty: every country. */
  countries: string[]
  currency: string
  /** First is the market's default. */
  locales: string[]
  pricesIncludeTax: boolean
}

export interface Location {
  code: string
  name: string
  /** Lower gives first. */
  priority: number
}

export interface ShippingMethod {
  code: string
  title: string
  /** Empty: every country of the market. */
  countries: string[]
  /**
   * Minor units by currency; a method without a price in a market's currency is not offered there, except that a
   * method whose every price is 0 is free in any currency (`standard`, which every store is born with).
   */
  prices: Record<string, number>
}

export function marketOf(store: Store, code: string | undefined): Market | null {
  return store.markets.find((market) => market.code === (code ?? store.defaultMarket)) ?? null
}

export function locationOf(store: Store, code: string): Location | null {
  return store.locations.find((location) => location.code === code) ?? null
}

/** The market as a purchase keeps it: with the rates and methods that can apply there. */
export function termsOf(store: Store, market: Market): MarketTerms {
  const serves = (country: string) => market.countries.length === 0 || market.countries.includes(country)
  return {
    code: market.code,
    currency: market.currency,
    countries: market.countries,
    pricesIncludeTax: market.pricesIncludeTax,
    taxRates: store.taxRates.filter((rate) => serves(rate.country)),
    shippingMethods: store.shippingMethods.flatMap(({ code, title, countries, prices }) => {
      const price = shippingPriceIn(prices, market.currency)
      return price === null ? [] : [{ code, title, countries, price }]
    }),
    discounts: store.discounts.filter(({ isAutomatic }) => isAutomatic),
  }
}

/** The discount that a shopper gets by this code; null for what is given by itself. */
export function codedDiscountOf(store: Store, code: string): Discount | null {
  return store.discounts.find((discount) => discount.code === code && !discount.isAutomatic) ?? null
}

/** Free is free in any currency; otherwise the price in this one, or null when the method is not offered in it. */
export function shippingPriceIn(prices: Record<string, number>, currency: string): number | null {
  const amounts = Object.values(prices)
  if (amounts.length > 0 && amounts.every((amount) => amount === 0)) return 0
  return prices[currency] ?? null
}
