import type { VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import type { Market, Store } from '../stores/store.ts'
import { textIn } from './localized-text.ts'
import { selectVariantRows, type VariantRow } from './variant-store.ts'

/**
 * What a cart needs of each SKU in one market and locale, in one read. A SKU that no active product has is absent
 * from the answer; one without a price in the market's currency is `no_price`.
 */
export async function variantFacts(
  env: Env,
  store: Store,
  market: Market,
  locale: string,
  skus: string[],
): Promise<Map<string, VariantFacts | 'no_price'>> {
  const rows = await selectVariantRows(env.CATALOGUE, store.ref.slug, skus)
  return new Map(rows.map((row) => [row.sku, factsOf(row, market, locale)]))
}

function factsOf(row: VariantRow, market: Market, locale: string): VariantFacts | 'no_price' {
  const unitPrice = row.prices[market.currency]
  if (unitPrice === undefined) return 'no_price'
  const title = textIn(row.titles, locale) ?? row.productTitle
  return {
    sku: row.sku,
    productHandle: row.handle,
    categories: row.categories,
    title: row.variantTitle === null ? title : `${title} - ${row.variantTitle}`,
    image: row.image,
    unitPrice,
    taxCategory: row.taxCategory,
    requiresShipping: row.requiresShipping,
    maxPerOrder: row.maxPerOrder,
    maxPerCustomer: row.maxPerCustomer,
    stock: row.stock,
  }
}
