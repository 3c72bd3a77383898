import type { Discount } from '../../schema/http/discount.ts'
import type { PutStore, StorePatch } from '../../schema/http/settings.ts'
import type { TaxRate } from '../../schema/rpc/catalogue-facts.ts'
import type { Location, Market, ShippingMethod } from './store.ts'

/** PUT store: its birth, which writes nothing when it lives already. Primary key. */
const INSERT_STORE = `INSERT INTO stores (slug, name, jurisdiction, region, default_market, created_at)
  VALUES (?1, ?2, ?3, ?4, 'main', ?5) ON CONFLICT DO NOTHING`
/**
 * PUT store: what a store is born with, the same as the migration gives the default store. In the batch of
 * INSERT_STORE and under its condition (the store has no market yet). Primary key.
 */
const BIRTH = [
  `INSERT INTO locations (store, code, name, priority) SELECT ?1, 'main', 'Main', 0
    WHERE NOT EXISTS (SELECT 1 FROM markets WHERE store = ?1)`,
  `INSERT INTO shipping_methods (store, code, title, countries, prices)
    SELECT ?1, 'standard', 'Standard', '[]', '{"EUR":0}' WHERE NOT EXISTS (SELECT 1 FROM markets WHERE store = ?1)`,
  `INSERT INTO markets (store, code, name, countries, currency, locales, prices_include_tax)
    SELECT ?1, 'main', 'Main', '[]', 'EUR', '["en"]', 1 WHERE NOT EXISTS (SELECT 1 FROM markets WHERE store = ?1)`,
]
/** PUT store with a name. Primary key. */
const RENAME_STORE = `UPDATE stores SET name = ?2 WHERE slug = ?1`
/** PUT store with hostnames: the old ones go. Index store_hostnames_of_store. */
const DELETE_HOSTNAMES = `DELETE FROM store_hostnames WHERE store = ?1`
/** PUT store with hostnames: fails the batch when another store has one. Primary key. */
const INSERT_HOSTNAMES = `INSERT INTO store_hostnames (hostname, store) SELECT DISTINCT value, ?1 FROM json_each(?2)`
/** PATCH store: null keeps what is there, so that two patches of different fields do not undo each other. Primary keys. */
const UPDATE_STORE = `UPDATE stores SET name = coalesce(?2, name), default_market = coalesce(?3, default_market),
  hold_ttl_seconds = coalesce(?4, hold_ttl_seconds), capture = coalesce(?5, capture),
  low_stock_threshold = coalesce(?6, low_stock_threshold),
  storefront_url = CASE WHEN ?7 THEN ?8 ELSE storefront_url END, policies = coalesce(?9, policies)
  WHERE slug = ?1 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM markets WHERE store = ?1 AND code = ?3))`

/** PUT of a setting, refused (no row) beyond the maximum of its kind. Ranges of the primary key. */
const hasRoom = (table: string, max: number) => `((SELECT count(*) FROM ${table} WHERE store = ?1) < ${max}
  OR EXISTS (SELECT 1 FROM ${table} WHERE store = ?1 AND code = ?2))`

/**
 * How many of each a store may have. All of them travel with every request's store, so they stay few: 250 countries
 * with a market each would be the most anybody draws; tax rates go by country, region and category. Discounts with a scope
 * take 10 KB each at the most.
 */
export const SETTINGS_MAX = {
  markets: 100,
  locations: 250,
  tax_rates: 1_000,
  shipping_methods: 200,
  discounts: 500,
} as const
/** 20 are tried on each cart, and kept with it: 200 KB of its 900 KB at the most. */
export const AUTOMATIC_DISCOUNTS_MAX = 20
export type SettingTable = keyof typeof SETTINGS_MAX

/** PUT market. Primary key. */
const PUT_MARKET = `INSERT INTO markets (store, code, name, countries, currency, locales, prices_include_tax)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ${hasRoom('markets', SETTINGS_MAX.markets)}
  ON CONFLICT (store, code) DO UPDATE SET name = excluded.name, countries = excluded.countries,
    currency = excluded.currency, locales = excluded.locales, prices_include_tax = excluded.prices_include_tax`
/** PUT location. Primary key. */
const PUT_LOCATION = `INSERT INTO locations (store, code, name, priority)
  SELECT ?1, ?2, ?3, ?4 WHERE ${hasRoom('locations', SETTINGS_MAX.locations)}
  ON CONFLICT (store, code) DO UPDATE SET name = excluded.name, priority = excluded.priority`
/** PUT tax rate. Primary key. */
const PUT_TAX_RATE = `INSERT INTO tax_rates (store, code, name, country, region, tax_category, rate, valid_from,
    reverse_charge)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE ${hasRoom('tax_rates', SETTINGS_MAX.tax_rates)}
  ON CONFLICT (store, code) DO UPDATE SET name = excluded.name, country = excluded.country,
    region = excluded.region, tax_category = excluded.tax_category, rate = excluded.rate,
    valid_from = excluded.valid_from, reverse_charge = excluded.reverse_charge`
/** PUT shipping method. Primary key. */
const PUT_SHIPPING_METHOD = `INSERT INTO shipping_methods (store, code, title, countries, prices)
  SELECT ?1, ?2, ?3, ?4, ?5 WHERE ${hasRoom('shipping_methods', SETTINGS_MAX.shipping_methods)}
  ON CONFLICT (store, code) DO UPDATE SET title = excluded.title, countries = excluded.countries,
    prices = excluded.prices`

/** PUT discount, also refused beyond the maximum of automatic ones. Ranges of the primary key. */
const PUT_DISCOUNT = `INSERT INTO discounts (store, code, is_automatic, document)
  SELECT ?1, ?2, ?3, ?4 WHERE ${hasRoom('discounts', SETTINGS_MAX.discounts)}
    AND (?3 = 0 OR (SELECT count(*) FROM discounts WHERE store = ?1 AND code <> ?2 AND is_automatic = 1)
      < ${AUTOMATIC_DISCOUNTS_MAX})
  ON CONFLICT (store, code) DO UPDATE SET is_automatic = excluded.is_automatic, document = excluded.document`

/** DELETE market, unless it is the default one. Primary keys. */
const DELETE_MARKET = `DELETE FROM markets WHERE store = ?1 AND code = ?2
  AND NOT EXISTS (SELECT 1 FROM stores WHERE slug = ?1 AND default_market = ?2)`
/**
 * DELETE location, unless it is the last, an item has a position there, or goods are on their way to it. Keys of
 * stock_item_locations and the transfers in transit (index transfers_by_status).
 */
const DELETE_LOCATION = `DELETE FROM locations WHERE store = ?1 AND code = ?2
  AND (SELECT count(*) FROM locations WHERE store = ?1) > 1
  AND NOT EXISTS (SELECT 1 FROM stock_item_locations WHERE store = ?1 AND location = ?2)
  AND NOT EXISTS (SELECT 1 FROM transfers
    WHERE store = ?1 AND status = 'in_transit' AND destination = ?2)`
/** DELETE tax rate. Primary key. */
const DELETE_TAX_RATE = `DELETE FROM tax_rates WHERE store = ?1 AND code = ?2`
/** DELETE shipping method. Primary key. */
const DELETE_SHIPPING_METHOD = `DELETE FROM shipping_methods WHERE store = ?1 AND code = ?2`
/** DELETE discount. Primary key. */
const DELETE_DISCOUNT = `DELETE FROM discounts WHERE store = ?1 AND code = ?2`

const DELETES: Record<SettingTable, string> = {
  markets: DELETE_MARKET,
  locations: DELETE_LOCATION,
  tax_rates: DELETE_TAX_RATE,
  shipping_methods: DELETE_SHIPPING_METHOD,
  discounts: DELETE_DISCOUNT,
}

/** False when a hostname belongs to another store; then nothing is written. */
export async function bearStore(
  db: D1Database,
  slug: string,
  wanted: PutStore,
  at: number,
): Promise<boolean> {
  const statements = [
    db
      .prepare(INSERT_STORE)
      .bind(slug, wanted.name ?? slug, wanted.jurisdiction ?? null, wanted.region ?? null, at),
    ...BIRTH.map((sql) => db.prepare(sql).bind(slug)),
  ]
  if (wanted.name !== undefined) statements.push(db.prepare(RENAME_STORE).bind(slug, wanted.name))
  if (wanted.hostnames !== undefined) {
    statements.push(
      db.prepare(DELETE_HOSTNAMES).bind(slug),
      db.prepare(INSERT_HOSTNAMES).bind(slug, JSON.stringify(wanted.hostnames)),
    )
  }
  try {
    await db.batch(statements)
    return true
  } catch (error) {
    if (String(error).includes('UNIQUE constraint failed: store_hostnames')) return false
    throw error
  }
}

/** False when the default market that it names does not exist (any more). */
export function updateStore(db: D1Database, slug: string, patch: StorePatch): Promise<boolean> {
  return hasChanged(
    db
      .prepare(UPDATE_STORE)
      .bind(
        slug,
        patch.name ?? null,
        patch.defaultMarket ?? null,
        patch.holdTtlSeconds ?? null,
        patch.capture ?? null,
        patch.lowStockThreshold ?? null,
        patch.storefrontUrl === undefined ? 0 : 1,
        patch.storefrontUrl ?? null,
        patch.policies === undefined ? null : JSON.stringify(patch.policies),
      ),
  )
}

/** These five are false when the store has its maximum of the kind. */
export function putMarket(db: D1Database, store: string, market: Market): Promise<boolean> {
  const { code, name, countries, currency, locales, pricesIncludeTax } = market
  const values = [
    name,
    JSON.stringify(countries),
    currency,
    JSON.stringify(locales),
    pricesIncludeTax ? 1 : 0,
  ]
  return hasChanged(db.prepare(PUT_MARKET).bind(store, code, ...values))
}

export function putLocation(db: D1Database, store: string, location: Location): Promise<boolean> {
  return hasChanged(db.prepare(PUT_LOCATION).bind(store, location.code, location.name, location.priority))
}

export function putTaxRate(db: D1Database, store: string, taxRate: TaxRate): Promise<boolean> {
  const { code, name, country, region, taxCategory, rate, validFrom } = taxRate
  const values = [name, country, region, taxCategory, rate, validFrom, taxRate.isReverseCharge ? 1 : 0]
  return hasChanged(db.prepare(PUT_TAX_RATE).bind(store, code, ...values))
}

export function putShippingMethod(db: D1Database, store: string, method: ShippingMethod): Promise<boolean> {
  const { code, title, countries, prices } = method
  return hasChanged(
    db
      .prepare(PUT_SHIPPING_METHOD)
      .bind(store, code, title, JSON.stringify(countries), JSON.stringify(prices)),
  )
}

export function putDiscount(db: D1Database, store: string, discount: Discount): Promise<boolean> {
  const { code, isAutomatic } = discount
  return hasChanged(db.prepare(PUT_DISCOUNT).bind(store, code, isAutomatic ? 1 : 0, JSON.stringify(discount)))
}

/** False when nothing was deleted: it was not there, or it is in use. */
export function deleteSetting(
  db: D1Database,
  table: SettingTable,
  store: string,
  code: string,
): Promise<boolean> {
  return hasChanged(db.prepare(DELETES[table]).bind(store, code))
}

async function hasChanged(statement: D1PreparedStatement): Promise<boolean> {
  return (await statement.run()).meta.changes > 0
}
