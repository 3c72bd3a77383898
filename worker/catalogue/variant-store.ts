/**
 * Cart lines and live availability: the facts of some SKUs of active products. Primary keys of variants and products,
 * index listing_of_product.
 */
const SELECT_VARIANTS = `SELECT v.sku, v.handle, v.title AS variant_title, v.prices, v.stock, v.requires_shipping,
    v.max_per_order, v.max_per_customer, p.title AS product_title, p.titles, p.image, p.tax_category,
    (SELECT json_group_array(DISTINCT l.category) FROM listing AS l
      WHERE l.store = ?1 AND l.product_id = p.id AND l.category <> '') AS categories
  FROM json_each(?2) AS wanted
  JOIN variants AS v ON v.store = ?1 AND v.sku = wanted.value
  JOIN products AS p ON p.store = ?1 AND p.handle = v.handle
  WHERE p.status = 'active'`

export interface VariantRow {
  sku: string
  handle: string
  variantTitle: string | null
  /** Minor units by currency. */
  prices: Record<string, number>
  /** Empty when the stock is not tracked. */
  stock: { item: string; quantity: number }[]
  requiresShipping: boolean
  maxPerOrder: number | null
  maxPerCustomer: number | null
  productTitle: string
  titles: Record<string, string>
  image: string | null
  taxCategory: string
  /** With all above those that the product was put in. */
  categories: string[]
}

interface Row {
  sku: string
  handle: string
  variant_title: string | null
  prices: string
  stock: string
  requires_shipping: number
  max_per_order: number | null
  max_per_customer: number | null
  product_title: string
  titles: string
  image: string | null
  tax_category: string
  categories: string
}

/** SKUs that do not exist, or whose product is not active, are absent. */
export async function selectVariantRows(
  db: D1Database,
  store: string,
  skus: string[],
): Promise<VariantRow[]> {
  if (skus.length === 0) return []
  const { results } = await db.prepare(SELECT_VARIANTS).bind(store, JSON.stringify(skus)).all<Row>()
  return results.map((row) => ({
    sku: row.sku,
    handle: row.handle,
    variantTitle: row.variant_title,
    prices: JSON.parse(row.prices),
    stock: JSON.parse(row.stock),
    requiresShipping: row.requires_shipping === 1,
    maxPerOrder: row.max_per_order,
    maxPerCustomer: row.max_per_customer,
    productTitle: row.product_title,
    titles: JSON.parse(row.titles),
    image: row.image,
    taxCategory: row.tax_category,
    categories: JSON.parse(row.categories),
  }))
}
