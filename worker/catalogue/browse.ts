import { now, toIso } from '../../runtime/clock.ts'
import type { CategoryNode, LiveAvailability, ProductItem, ProductPage } from '../../schema/http/product.ts'
import { encodeCursor } from '../http/paging.ts'
import { availabilityOf } from '../stock/item-availability.ts'
import { bandsOf } from '../stock/store.ts'
import type { Market, Store } from '../stores/store.ts'
import { type Card, cardOf, titleKey } from './card.ts'
import { selectCategories } from './category-store.ts'
import { treeOf } from './category-tree.ts'
import { type ListingQuery, pageStart } from './listing-query.ts'
import { type ListingFilter, selectListed, selectLookedUp, selectShown } from './listing-store.ts'
import { type Audience, itemsOf, presentItem, presentPage } from './present-product.ts'
import { selectVariantRows } from './variant-store.ts'

/** More words than a title has would only make the look at each row longer. */
const WORDS_MAX = 8

/** An answer, and the stock items whose bands are in it. */
export interface Shown<T> {
  page: T
  itemTags: string[]
}

interface Page {
  items: ProductItem[]
  nextCursor: string | null
}

/** A page of products with a price in the market's currency. */
export async function listProducts(
  env: Env,
  store: Store,
  market: Market,
  query: ListingQuery,
): Promise<Shown<Page>> {
  const audience = { currency: market.currency, locale: query.locale }
  if (query.handles.length + query.skus.length > 0) return lookUp(env, store, audience, query)
  const { rows, scannedTo } = await selectListed(
    env.CATALOGUE,
    filterOf(store, market, query),
    query.limit + 1,
  )
  const shown = rows.slice(0, query.limit)
  const end = rows.length > query.limit ? shown.at(-1)! : scannedTo
  const nextCursor = end ? encodeCursor([query.sort, end.key, end.productId]) : null
  const cards = shown.map(({ card }) => card)
  return present(env, store, audience, cards, nextCursor)
}

async function lookUp(env: Env, store: Store, audience: Audience, query: ListingQuery): Promise<Shown<Page>> {
  const cards = await selectLookedUp(env.CATALOGUE, store.ref.slug, query.handles, query.skus)
  return present(env, store, audience, cards, null, query.skus)
}

async function present(
  env: Env,
  store: Store,
  audience: Audience,
  cards: Card[],
  nextCursor: string | null,
  askedSkus: string[] = [],
): Promise<Shown<Page>> {
  const itemTags = cards.flatMap(itemsOf)
  const bands = await bandsOf(env, store.ref.slug, itemTags)
  const items = cards.flatMap((card) => presentItem(card, audience, bands, askedSkus) ?? [])
  return { page: { items, nextCursor }, itemTags }
}

function filterOf(store: Store, market: Market, query: ListingQuery): ListingFilter {
  return {
    store: store.ref.slug,
    currency: market.currency,
    category: query.category ?? '',
    sort: query.sort,
    start: pageStart(query),
    minPrice: query.minPrice ?? null,
    maxPrice: query.maxPrice ?? null,
    isInStock: query.isInStock,
    words: titleKey(query.q ?? '')
      .split(/\s+/)
      .filter(Boolean)
      .slice(0, WORDS_MAX),
  }
}

/** The whole product, or null when no active product of that handle has a price in the market's currency. */
export async function readProduct(
  env: Env,
  store: Store,
  market: Market,
  locale: string,
  handle: string,
): Promise<Shown<ProductPage> | null> {
  const { slug } = store.ref
  const product = await selectShown(env.CATALOGUE, slug, handle)
  if (!product) return null
  const itemTags = itemsOf(cardOf(product))
  const [bands, categories] = await Promise.all([
    bandsOf(env, slug, itemTags),
    product.categories.length > 0 ? selectCategories(env.CATALOGUE, slug) : [],
  ])
  const page = presentPage(product, { currency: market.currency, locale }, bands, categories)
  return page && { page, itemTags }
}

export async function readCategories(env: Env, store: Store, locale: string): Promise<CategoryNode[]> {
  return treeOf(await selectCategories(env.CATALOGUE, store.ref.slug), locale)
}

/** What one could hold of a SKU now; `unknown` when no active product has it. */
export async function readAvailability(env: Env, store: Store, sku: string): Promise<LiveAvailability> {
  const [row] = await selectVariantRows(env.CATALOGUE, store.ref.slug, [sku])
  if (!row)
    return { sku, available: 0, status: 'unknown', backorder: 0, availableOn: null, asOf: toIso(now()) }
  if (row.stock.length === 0) {
    return { sku, available: null, status: 'in_stock', backorder: 0, availableOn: null, asOf: toIso(now()) }
  }
  const { available, status, backorder, availableOn, asOf } = await availabilityOf(env, store, row.stock)
  return {
    sku,
    available,
    status,
    backorder,
    availableOn: availableOn === null ? null : toIso(availableOn),
    asOf: toIso(asOf),
  }
}
