import type { Product } from '../../schema/http/product.ts'
import type { Card } from './card.ts'
import type { PageStart, Sort } from './listing-query.ts'

/**
 * 1,000 rows are looked at for one page when a filter has no index (stock, words, or prices in another order). A page
 * may then be short, even empty, and still have a cursor: the cost of a request never grows with the catalogue.
 */
export const SCANNED_MAX = 1_000

/** The order of each sort, its key, and how a page goes on. Every one is a range of one index of `listing`. */
const ORDERS: Record<Sort, { key: string; after: string; by: string }> = {
  relevance: { key: `''`, after: `product_id < ?5`, by: 'product_id DESC' },
  newest: { key: `''`, after: `product_id < ?5`, by: 'product_id DESC' },
  price: {
    key: 'price_min',
    after: '(price_min, product_id) > (?4, ?5)',
    by: 'price_min, product_id',
  },
  '-price': {
    key: 'price_min',
    after: '(price_min, product_id) < (?4, ?5)',
    by: 'price_min DESC, product_id DESC',
  },
  title: { key: 'title_key', after: '(title_key, product_id) > (?4, ?5)', by: 'title_key, product_id' },
}

const BY_PRICE: ReadonlySet<Sort> = new Set(['price', '-price'])

/** A product one could have today: a variant whose every item is in stock. Indexes variants_of_product, stock_items' key. */
const IS_IN_STOCK = `EXISTS (SELECT 1 FROM variants AS v WHERE v.store = ?1 AND v.handle = w.handle
  AND v.prices ->> ?2 IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM json_each(v.stock) AS used
    LEFT JOIN stock_items AS i ON i.store = ?1 AND i.item = used.value ->> 'item'
    WHERE coalesce(i.band, 'out_of_stock') NOT IN ('in_stock', 'low_stock')))`
/** Every word is in the title. */
const HAS_WORDS = `NOT EXISTS (SELECT 1 FROM json_each(?9) AS word WHERE instr(w.title_key, word.value) = 0)`
const IS_IN_PRICE = `(?7 IS NULL OR price_min >= ?7) AND (?8 IS NULL OR price_min <= ?8)`

export interface ListingFilter {
  store: string
  currency: string
  /** '' is the whole store. */
  category: string
  sort: Sort
  start: PageStart
  minPrice: number | null
  maxPrice: number | null
  isInStock: boolean
  /** As `titleKey` writes them. */
  words: string[]
}

export interface ListedCard {
  card: Card
  key: string | number
  productId: string
}

interface ListedRow {
  card: string
  key: string | number
  product_id: string
}

/** Some rows of a listing, in order, and where the look at it ended when there may be more behind. */
export async function selectListed(
  db: D1Database,
  filter: ListingFilter,
  count: number,
): Promise<{ rows: ListedCard[]; scannedTo: { key: string | number; productId: string } | null }> {
  const { sql, edgeSql, scanned } = statementsFor(filter, count)
  const bound = [
    filter.store,
    filter.currency,
    filter.category,
    filter.start?.key ?? null,
    filter.start?.productId ?? null,
    scanned,
    filter.minPrice,
    filter.maxPrice,
    JSON.stringify(filter.words),
    count,
  ]
  const [rows, edge] = await db.batch([db.prepare(sql).bind(...bound), db.prepare(edgeSql).bind(...bound)])
  const last = edge!.results[0] as Omit<ListedRow, 'card'> | undefined
  return {
    rows: (rows!.results as ListedRow[]).map((row) => ({
      card: JSON.parse(row.card),
      key: row.key,
      productId: row.product_id,
    })),
    scannedTo: last ? { key: last.key, productId: last.product_id } : null,
  }
}

export function statementsFor(
  { sort, start, isInStock, words, minPrice, maxPrice }: ListingFilter,
  count: number,
) {
  const order = ORDERS[sort]
  const hasPrice = minPrice !== null || maxPrice !== null
  const isPriceInRange = hasPrice && BY_PRICE.has(sort)
  const filters = [
    isInStock ? IS_IN_STOCK : '',
    words.length > 0 ? HAS_WORDS : '',
    hasPrice && !isPriceInRange ? IS_IN_PRICE : '',
  ].filter(Boolean)
  const window = `SELECT ${order.key} AS key, product_id, handle, title_key, price_min FROM listing
    WHERE store = ?1 AND currency = ?2 AND category = ?3
      ${start ? `AND ${order.after}` : ''} ${isPriceInRange ? `AND ${IS_IN_PRICE}` : ''}
    ORDER BY ${order.by} LIMIT ?6`
  return {
    /** A page of cards: the window's rows that pass the filters. Index as in ORDERS; primary key of products. */
    sql: `SELECT w.key, w.product_id, p.card FROM (${window}) AS w
      JOIN products AS p ON p.store = ?1 AND p.handle = w.handle
      ${filters.length > 0 ? `WHERE ${filters.join(' AND ')}` : ''}
      ORDER BY ${order.by} LIMIT ?10`,
    /** The last row of a full window, from which the next page goes on. Binds the same parameters, hence ?10. */
    edgeSql: `SELECT key, product_id FROM (${window}) WHERE ?10 > 0 LIMIT 1 OFFSET ?6 - 1`,
    scanned: filters.length > 0 ? SCANNED_MAX : count,
  }
}

/** Look-up by handles and SKUs: cards of active products in handle order. Primary keys of products and variants. */
const SELECT_LOOKED_UP = `SELECT card FROM products WHERE store = ?1 AND status = 'active' AND handle IN (
    SELECT value FROM json_each(?2)
    UNION SELECT v.handle FROM json_each(?3) AS wanted
      JOIN variants AS v ON v.store = ?1 AND v.sku = wanted.value)
  ORDER BY handle`

export async function selectLookedUp(
  db: D1Database,
  store: string,
  handles: string[],
  skus: string[],
): Promise<Card[]> {
  const { results } = await db
    .prepare(SELECT_LOOKED_UP)
    .bind(store, JSON.stringify(handles), JSON.stringify(skus))
    .all<{ card: string }>()
  return results.map(({ card }) => JSON.parse(card))
}

/** The product page: the whole document of an active product. Primary key. */
const SELECT_SHOWN = `SELECT document FROM products WHERE store = ?1 AND handle = ?2 AND status = 'active'`

export async function selectShown(db: D1Database, store: string, handle: string): Promise<Product | null> {
  const document = await db.prepare(SELECT_SHOWN).bind(store, handle).first<string>('document')
  return document === null ? null : JSON.parse(document)
}
