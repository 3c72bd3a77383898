import {
  type Discount,
  type DiscountBody,
  discountBodySchema,
  discountSchema,
} from '../../schema/http/discount.ts'
import {
  type LocationBody,
  locationBodySchema,
  locationSchema,
  type MarketBody,
  marketBodySchema,
  marketSchema,
  type ShippingMethodBody,
  shippingMethodBodySchema,
  shippingMethodSchema,
  type TaxRateBody,
  taxRateBodySchema,
  taxRateSchema,
} from '../../schema/http/settings.ts'
import type { ProblemCode } from '../../schema/problems.ts'
import {
  AUTOMATIC_DISCOUNTS_MAX,
  putDiscount,
  putLocation,
  putMarket,
  putShippingMethod,
  putTaxRate,
  SETTINGS_MAX,
  type SettingTable,
} from './settings-write-store.ts'
import type { Store } from './store.ts'

/** A kind of setting that is kept by code: what its four routes need to know. */
const kind = <Body, Item extends { code: string }, BodySchema, ItemSchema>(of: {
  path: string
  noun: string
  table: SettingTable
  bodySchema: BodySchema
  itemSchema: ItemSchema
  notFound: ProblemCode
  /** What a DELETE is refused for; null: nothing. */
  inUse: string | null
  itemsOf(store: Store): Item[]
  itemOf(code: string, body: Body): Item
  put(db: D1Database, store: string, item: Item): Promise<boolean>
  /** Where some of the kind have a maximum of their own. */
  limitOf?(item: Item): number
}) => of

export const MARKETS = kind({
  path: 'markets',
  noun: 'market',
  table: 'markets',
  bodySchema: marketBodySchema,
  itemSchema: marketSchema,
  notFound: 'market_not_found',
  inUse: 'It is the default market; choose another one first.',
  itemsOf: (store) => store.markets,
  itemOf: (code, body: MarketBody) => ({ ...body, code, name: body.name ?? code }),
  put: putMarket,
})

export const LOCATIONS = kind({
  path: 'locations',
  noun: 'location',
  table: 'locations',
  bodySchema: locationBodySchema,
  itemSchema: locationSchema,
  notFound: 'location_not_found',
  inUse: 'It is the last location, or stock is kept there.',
  itemsOf: (store) => store.locations,
  itemOf: (code, body: LocationBody) => ({ ...body, code, name: body.name ?? code }),
  put: putLocation,
})

export const TAX_RATES = kind({
  path: 'tax-rates',
  noun: 'tax rate',
  table: 'tax_rates',
  bodySchema: taxRateBodySchema,
  itemSchema: taxRateSchema,
  notFound: 'tax_rate_not_found',
  inUse: null,
  itemsOf: (store) => store.taxRates,
  itemOf: (code, body: TaxRateBody) => ({
    ...body,
    code,
    name: body.name ?? code,
    region: body.region ?? null,
    validFrom: body.validFrom ?? null,
  }),
  put: putTaxRate,
})

export const SHIPPING_METHODS = kind({
  path: 'shipping-methods',
  noun: 'shipping method',
  table: 'shipping_methods',
  bodySchema: shippingMethodBodySchema,
  itemSchema: shippingMethodSchema,
  notFound: 'shipping_method_not_found',
  inUse: null,
  itemsOf: (store) => store.shippingMethods,
  itemOf: (code, body: ShippingMethodBody) => ({ ...body, code, title: body.title ?? code }),
  put: putShippingMethod,
})

export const DISCOUNTS = kind({
  path: 'discounts',
  noun: 'discount',
  table: 'discounts',
  bodySchema: discountBodySchema,
  itemSchema: discountSchema,
  notFound: 'discount_not_found',
  inUse: null,
  itemsOf: (store) => store.discounts,
  itemOf: (code, body: DiscountBody): Discount => ({ ...body, code, title: body.title ?? code }),
  put: putDiscount,
  limitOf: ({ isAutomatic }) => (isAutomatic ? AUTOMATIC_DISCOUNTS_MAX : SETTINGS_MAX.discounts),
})
