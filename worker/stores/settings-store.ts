import type { Discount } from '../../schema/http/discount.ts'
import type { TaxRate } from '../../schema/rpc/catalogue-facts.ts'
import type { Jurisdiction, Region } from '../../schema/store-ref.ts'
import type { Location, Market, ShippingMethod, Store } from './store.ts'

/** Every request: the store itself. Primary key. */
const SELECT_STORE = `SELECT slug, name, jurisdiction, region, default_market, hold_ttl_seconds, capture,
  low_stock_threshold, storefront_url, policies FROM stores WHERE slug = ?1`
/** Every request: the store's markets, at most MARKETS_MAX. Primary key. */
const SELECT_MARKETS = `SELECT code, name, countries, currency, locales, prices_include_tax FROM markets
  WHERE store = ?1 ORDER BY code`
/** Every request: the store's locations, at most LOCATIONS_MAX. Primary key. */
const SELECT_LOCATIONS = `SELECT code, name, priority FROM locations WHERE store = ?1 ORDER BY priority, code`
/** Every request: the store's tax rates, at most TAX_RATES_MAX. Primary key. */
const SELECT_TAX_RATES = `SELECT code, name, country, region, tax_category, rate, valid_from, reverse_charge FROM tax_rates
  WHERE store = ?1 ORDER BY code`
/** Every request: the store's shipping methods, at most SHIPPING_METHODS_MAX. Primary key. */
const SELECT_SHIPPING_METHODS = `SELECT code, title, countries, prices FROM shipping_methods
  WHERE store = ?1 ORDER BY code`
/** Every request: the store's discounts, at most DISCOUNTS_MAX. Primary key. */
const SELECT_DISCOUNTS = `SELECT document FROM discounts WHERE store = ?1 ORDER BY code`
/** Requests that name no store: whose hostname it is. Primary key. */
const SELECT_SLUG_OF_HOSTNAME = `SELECT store FROM store_hostnames WHERE hostname = ?1`

interface StoreRow {
  slug: string
  name: string
  jurisdiction: Jurisdiction | null
  region: Region | null
  default_market: string
  hold_ttl_seconds: number
  capture: 'automatic' | 'manual'
  low_stock_threshold: number
  storefront_url: string | null
  policies: string
}
interface MarketRow {
  code: string
  name: string
  countries: string
  currency: string
  locales: string
  prices_include_tax: number
}
interface TaxRateRow {
  code: string
  name: string
  country: string
  region: string | null
  tax_category: string
  rate: string
  valid_from: string | null
  reverse_charge: number
}
interface ShippingMethodRow {
  code: string
  title: string
  countries: string
  prices: string
}

/** The store with all its settings in one read; null when there is none of that name. */
export async function selectStore(db: D1Database, slug: string): Promise<Store | null> {
  const [stores, markets, locations, taxRates, shippingMethods, discounts] = await db.batch(
    [
      SELECT_STORE,
      SELECT_MARKETS,
      SELECT_LOCATIONS,
      SELECT_TAX_RATES,
      SELECT_SHIPPING_METHODS,
      SELECT_DISCOUNTS,
    ].map((sql) => db.prepare(sql).bind(slug)),
  )
  const row = stores!.results[0] as StoreRow | undefined
  if (!row) return null
  return {
    ref: { slug: row.slug, jurisdiction: row.jurisdiction, region: row.region },
    name: row.name,
    defaultMarket: row.default_market,
    holdTtlSeconds: row.hold_ttl_seconds,
    capture: row.capture,
    lowStockThreshold: row.low_stock_threshold,
    storefrontUrl: row.storefront_url,
    policies: JSON.parse(row.policies),
    markets: (markets!.results as MarketRow[]).map(toMarket),
    locations: locations!.results as Location[],
    taxRates: (taxRates!.results as TaxRateRow[]).map(toTaxRate),
    shippingMethods: (shippingMethods!.results as ShippingMethodRow[]).map(toShippingMethod),
    discounts: (discounts!.results as { document: string }[]).map(
      ({ document }) => JSON.parse(document) as Discount,
    ),
  }
}

export async function selectSlugOfHostname(db: D1Database, hostname: string): Promise<string | null> {
  return db.prepare(SELECT_SLUG_OF_HOSTNAME).bind(hostname).first<string>('store')
}

function toMarket(row: MarketRow): Market {
  return {
    code: row.code,
    name: row.name,
    countries: JSON.parse(row.countries),
    currency: row.currency,
    locales: JSON.parse(row.locales),
    pricesIncludeTax: row.prices_include_tax === 1,
  }
}

function toTaxRate(row: TaxRateRow): TaxRate {
  return {
    code: row.code,
    name: row.name,
    country: row.country,
    region: row.region,
    taxCategory: row.tax_category,
    rate: row.rate,
    validFrom: row.valid_from,
    isReverseCharge: row.reverse_charge === 1,
  }
}

function toShippingMethod(row: ShippingMethodRow): ShippingMethod {
  return {
    code: row.code,
    title: row.title,
    countries: JSON.parse(row.countries),
    prices: JSON.parse(row.prices),
  }
}
