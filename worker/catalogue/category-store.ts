import type { Category } from '../../schema/http/product.ts'

/** 2,000: the tree is one answer, and people still find their way in it. */
export const CATEGORIES_MAX = 2_000
/** Each level is one more listing row for every product below. */
export const CATEGORY_DEPTH_MAX = 10

/** The tree, breadcrumbs, and the editors' list. Range of the primary key, at most CATEGORIES_MAX rows. */
const SELECT_ALL = `SELECT handle, name, parent, position, translations FROM categories WHERE store = ?1
  ORDER BY position, handle`
/** Editors: one category. Primary key. */
const SELECT_ONE = `SELECT handle, name, parent, position, translations FROM categories
  WHERE store = ?1 AND handle = ?2`
/** The editors' list. Primary key. */
const SELECT_PAGE = `SELECT handle, name, parent, position, translations FROM categories
  WHERE store = ?1 AND handle > ?2 ORDER BY handle LIMIT ?3`
/**
 * PUT: writes nothing when the parent is absent, is below the category (a circle) or too deep, or the store has its
 * maximum. In one statement, so that two moves at once cannot make a circle. Primary key.
 */
const PUT_CATEGORY = `INSERT INTO categories (store, handle, name, parent, position, translations)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6
  WHERE (?4 IS NULL OR EXISTS (SELECT 1 FROM categories WHERE store = ?1 AND handle = ?4))
    AND ((SELECT count(*) FROM categories WHERE store = ?1) < ${CATEGORIES_MAX}
      OR EXISTS (SELECT 1 FROM categories WHERE store = ?1 AND handle = ?2))
    AND (WITH RECURSIVE up (handle) AS (
        SELECT ?4 WHERE ?4 IS NOT NULL UNION SELECT c.parent FROM up
          JOIN categories AS c ON c.store = ?1 AND c.handle = up.handle WHERE c.parent IS NOT NULL)
      SELECT count(*) < ${CATEGORY_DEPTH_MAX} AND total(handle = ?2) = 0 FROM up)
  ON CONFLICT (store, handle) DO UPDATE SET name = excluded.name, parent = excluded.parent,
    position = excluded.position, translations = excluded.translations`
/** DELETE, unless it has categories below. Primary key; index categories_of_parent. */
const DELETE_CATEGORY = `DELETE FROM categories WHERE store = ?1 AND handle = ?2
  AND NOT EXISTS (SELECT 1 FROM categories WHERE store = ?1 AND parent = ?2)`

/** The products put into a category or below it. Indexes categories_of_parent and product_categories' key. */
const AFFECTED = `WITH RECURSIVE down (handle) AS (
    SELECT ?2 UNION SELECT c.handle FROM down
      JOIN categories AS c ON c.store = ?1 AND c.parent = down.handle)
  SELECT placed.product_id FROM down
    JOIN product_categories AS placed ON placed.store = ?1 AND placed.category = down.handle`
/** After a category moved, came or went: its products leave all categories' listings ... Index listing_of_product. */
const UNLIST_AFFECTED = `DELETE FROM listing WHERE store = ?1 AND category <> '' AND product_id IN (${AFFECTED})`
/** ... and enter those that they are in now. As many rows as the products below have; by editors only. */
const RELIST_AFFECTED = `INSERT INTO listing (store, currency, category, product_id, handle, title_key, price_min)
  WITH RECURSIVE placed (product_id, category) AS (
    SELECT product_id, category FROM product_categories WHERE store = ?1 AND product_id IN (${AFFECTED})
    UNION SELECT p.product_id, c.parent FROM placed AS p
      JOIN categories AS c ON c.store = ?1 AND c.handle = p.category WHERE c.parent IS NOT NULL)
  SELECT whole.store, whole.currency, placed.category, whole.product_id, whole.handle, whole.title_key,
    whole.price_min
  FROM placed JOIN listing AS whole ON whole.store = ?1 AND whole.product_id = placed.product_id
  WHERE whole.category = ''`

interface Row {
  handle: string
  name: string
  parent: string | null
  position: number
  translations: string
}

/** By position, then handle. */
export async function selectCategories(db: D1Database, store: string): Promise<Category[]> {
  return (await db.prepare(SELECT_ALL).bind(store).all<Row>()).results.map(toCategory)
}

export async function selectCategory(
  db: D1Database,
  store: string,
  handle: string,
): Promise<Category | null> {
  const row = await db.prepare(SELECT_ONE).bind(store, handle).first<Row>()
  return row && toCategory(row)
}

export async function selectCategoryPage(
  db: D1Database,
  store: string,
  after: string,
  count: number,
): Promise<Category[]> {
  return (await db.prepare(SELECT_PAGE).bind(store, after, count).all<Row>()).results.map(toCategory)
}

/** False when it was not written, for one of the reasons that PUT_CATEGORY gives. */
export async function upsertCategory(
  db: D1Database,
  store: string,
  category: Category,
  isMove: boolean,
): Promise<boolean> {
  const { handle, name, parent, position, translations } = category
  const put = db
    .prepare(PUT_CATEGORY)
    .bind(store, handle, name, parent, position, JSON.stringify(translations))
  const [result] = await db.batch(isMove ? [put, ...relist(db, store, handle)] : [put])
  return result!.meta.changes > 0
}

/** False when nothing was deleted: it was not there, or has categories below. */
export async function deleteCategoryRow(db: D1Database, store: string, handle: string): Promise<boolean> {
  const [result] = await db.batch([
    db.prepare(DELETE_CATEGORY).bind(store, handle),
    ...relist(db, store, handle),
  ])
  return result!.meta.changes > 0
}

function relist(db: D1Database, store: string, handle: string): D1PreparedStatement[] {
  return [UNLIST_AFFECTED, RELIST_AFFECTED].map((sql) => db.prepare(sql).bind(store, handle))
}

function toCategory(row: Row): Category {
  return { ...row, translations: JSON.parse(row.translations) }
}
