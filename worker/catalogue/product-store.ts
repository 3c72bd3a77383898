import type { Product } from '../../schema/http/product.ts'
import { cardOf, leastPrices, titleKey, titlesOf, variantTitle } from './card.ts'

/** Editors: the whole product. Primary key. */
const SELECT_PRODUCT = `SELECT document, revision FROM products WHERE store = ?1 AND handle = ?2`
/** PUT: which of these SKUs another product has. Primary key of variants. */
const SELECT_FOREIGN_SKUS = `SELECT v.sku, v.handle FROM json_each(?3) AS wanted
  JOIN variants AS v ON v.store = ?1 AND v.sku = wanted.value WHERE v.handle <> ?2 ORDER BY v.sku LIMIT 20`
/** The editors' list in handle order, any status or one. Primary key. */
const SELECT_PAGE = `SELECT document FROM products
  WHERE store = ?1 AND handle > ?2 AND (?3 IS NULL OR status = ?3) ORDER BY handle LIMIT ?4`

/**
 * First of every change: fails the batch, and with it all that follows, when the product is not as it was read
 * (`json` of a text that is none is an error). D1 has no other way to stop a batch half-way. Primary key.
 */
const REQUIRE_REVISION = `SELECT CASE WHEN
  (SELECT revision FROM products WHERE store = ?1 AND handle = ?2) IS ?3 THEN 1 ELSE json('changed meanwhile') END`
/** PUT and PATCH. Primary key. */
const UPSERT_PRODUCT = `INSERT INTO products (store, handle, id, status, title, titles, image, tax_category,
    revision, created_at, updated_at, card, document)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
  ON CONFLICT (store, handle) DO UPDATE SET status = excluded.status, title = excluded.title,
    titles = excluded.titles, image = excluded.image, tax_category = excluded.tax_category,
    revision = excluded.revision, updated_at = excluded.updated_at, card = excluded.card,
    document = excluded.document`
/** Any change: the variants go and come back as they are now. Index variants_of_product. */
const DELETE_VARIANTS = `DELETE FROM variants WHERE store = ?1 AND handle = ?2`
/** PUT and PATCH: fails the batch when another product took a SKU meanwhile. Primary key. */
const INSERT_VARIANTS = `INSERT INTO variants (store, sku, id, handle, title, prices, stock, requires_shipping,
    max_per_order, max_per_customer)
  SELECT ?1, value ->> 'sku', value ->> 'id', ?2, value ->> 'title', value -> 'prices', value -> 'stock',
    value ->> 'requiresShipping', value ->> 'maxPerOrder',
    value ->> 'maxPerCustomer' FROM json_each(?3)`
/** Any change: where the product was put. Index product_categories_of_product. */
const DELETE_PLACES = `DELETE FROM product_categories WHERE store = ?1 AND product_id = ?2`
/** PUT and PATCH. Primary key. */
const INSERT_PLACES = `INSERT INTO product_categories (store, category, product_id)
  SELECT ?1, value, ?2 FROM json_each(?3)`
/** Any change: the product leaves the listings. Index listing_of_product. */
const DELETE_LISTED = `DELETE FROM listing WHERE store = ?1 AND product_id = ?2`
/** PUT and PATCH of an active product: it enters the listings of its categories and of all above them. Primary keys. */
const INSERT_LISTED = `INSERT INTO listing (store, currency, category, product_id, handle, title_key, price_min)
  WITH RECURSIVE placed (category) AS (
    SELECT '' UNION SELECT value FROM json_each(?5)
    UNION SELECT c.parent FROM placed AS p
      JOIN categories AS c ON c.store = ?1 AND c.handle = p.category WHERE c.parent IS NOT NULL)
  SELECT ?1, price.value ->> 'currency', placed.category, ?2, ?3, ?4, price.value ->> 'min'
  FROM json_each(?6) AS price, placed`
/** DELETE. Primary key. */
const DELETE_PRODUCT = `DELETE FROM products WHERE store = ?1 AND handle = ?2`

export interface StoredProduct {
  product: Product
  revision: number
}

interface ProductRow {
  document: string
  revision: number
}

export async function selectProduct(
  db: D1Database,
  store: string,
  handle: string,
): Promise<StoredProduct | null> {
  const row = await db.prepare(SELECT_PRODUCT).bind(store, handle).first<ProductRow>()
  return row && toStoredProduct(row)
}

/** The product, and which of the SKUs it is to have belong to others, as of one moment. */
export async function selectForChange(
  db: D1Database,
  store: string,
  handle: string,
  skus: string[],
): Promise<{ current: StoredProduct | null; conflicts: { sku: string; handle: string }[] }> {
  const [products, foreign] = await db.batch([
    db.prepare(SELECT_PRODUCT).bind(store, handle),
    db.prepare(SELECT_FOREIGN_SKUS).bind(store, handle, JSON.stringify(skus)),
  ])
  const row = products!.results[0] as ProductRow | undefined
  return {
    current: row ? toStoredProduct(row) : null,
    conflicts: foreign!.results as { sku: string; handle: string }[],
  }
}

export async function selectProductPage(
  db: D1Database,
  store: string,
  after: string,
  status: string | null,
  count: number,
): Promise<Product[]> {
  const { results } = await db
    .prepare(SELECT_PAGE)
    .bind(store, after, status, count)
    .all<{ document: string }>()
  return results.map(({ document }) => JSON.parse(document))
}

/** The statements that make the product what it is now; `revision` null when there was none. */
export function saveStatements(
  db: D1Database,
  store: string,
  product: Product,
  revision: number | null,
): D1PreparedStatement[] {
  const { handle, id } = product
  const isListed = product.status === 'active'
  return [
    db.prepare(REQUIRE_REVISION).bind(store, handle, revision),
    db.prepare(UPSERT_PRODUCT).bind(store, handle, ...columnsOf(product, (revision ?? 0) + 1)),
    db.prepare(DELETE_VARIANTS).bind(store, handle),
    db.prepare(INSERT_VARIANTS).bind(store, handle, JSON.stringify(variantRows(product))),
    db.prepare(DELETE_PLACES).bind(store, id),
    db.prepare(INSERT_PLACES).bind(store, id, JSON.stringify(product.categories)),
    db.prepare(DELETE_LISTED).bind(store, id),
    db
      .prepare(INSERT_LISTED)
      .bind(
        store,
        id,
        handle,
        titleKey(product.title),
        JSON.stringify(product.categories),
        JSON.stringify(isListed ? leastPrices(product) : []),
      ),
  ]
}

export function deleteStatements(
  db: D1Database,
  store: string,
  { handle, id }: Product,
  revision: number,
): D1PreparedStatement[] {
  return [
    db.prepare(REQUIRE_REVISION).bind(store, handle, revision),
    db.prepare(DELETE_PRODUCT).bind(store, handle),
    db.prepare(DELETE_VARIANTS).bind(store, handle),
    db.prepare(DELETE_PLACES).bind(store, id),
    db.prepare(DELETE_LISTED).bind(store, id),
  ]
}

/** True when a batch failed because somebody else was faster: read again and decide again. */
export function isConflict(error: unknown): boolean {
  return /malformed JSON|UNIQUE constraint failed: variants/.test(String(error))
}

function toStoredProduct(row: ProductRow): StoredProduct {
  return { product: JSON.parse(row.document), revision: row.revision }
}

function columnsOf(product: Product, revision: number): (string | number | null)[] {
  const { id, status, title, taxCategory, createdAt, updatedAt } = product
  const card = cardOf(product)
  return [
    id,
    status,
    title,
    JSON.stringify(titlesOf(product)),
    card.image,
    taxCategory,
    revision,
    Date.parse(createdAt),
    Date.parse(updatedAt),
    JSON.stringify(card),
    JSON.stringify(product),
  ]
}

function variantRows(product: Product) {
  return product.variants.map((variant) => ({
    sku: variant.sku,
    id: variant.id,
    title: variantTitle(product, variant.options),
    prices: variant.prices,
    stock: variant.trackStock ? variant.stock : [],
    requiresShipping: variant.requiresShipping ? 1 : 0,
    maxPerOrder: variant.maxPerOrder,
    maxPerCustomer: variant.maxPerCustomer,
  }))
}
