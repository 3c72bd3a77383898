import type { Discount } from '../http/discount.ts'

/** What a cart needs to know of a variant, as read from the catalogue in one market and locale. */
export interface VariantFacts {
  sku: string
  productHandle: string
  /** Those its product is in, with all above them. */
  categories: string[]
  title: string
  image: string | null
  /** Minor units in the market's currency. */
  unitPrice: number
  taxCategory: string
  /** False for digital goods: a cart of only these needs no address and no shipping method. */
  requiresShipping: boolean
  maxPerOrder: number | null
  /** Units one customer may have over all carts and orders. */
  maxPerCustomer: number | null
  /** Items one unit consumes; empty when the variant's stock is not tracked. */
  stock: { item: string; quantity: number }[]
}

/** What a cart needs to know of its market. */
export interface MarketTerms {
  code: string
  currency: string
  /** ISO 3166-1 alpha-2; empty: every country. */
  countries: string[]
  pricesIncludeTax: boolean
  taxRates: TaxRate[]
  /** Only those with a price in the market's currency; price in minor units. */
  shippingMethods: { code: string; title: string; countries: string[]; price: number }[]
  /** Those that are given without a code; whether now and here is the cart's to say. */
  discounts: Discount[]
}

export interface TaxRate {
  code: string
  name: string
  country: string
  region: string | null
  taxCategory: string
  /** Decimal text, e.g. "0.19". */
  rate: string
  /** A business with a VAT number of that country owes the tax itself and pays the price without it. */
  isReverseCharge: boolean
  validFrom: string | null
}
