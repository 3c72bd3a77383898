import { WorkerEntrypoint } from 'cloudflare:workers'
import { errorText, log } from '../../runtime/log.ts'
import { Problem } from '../http/problem.ts'
import { serveImage } from '../images/serve-image.ts'
import { loadStore } from '../stores/load-store.ts'
import { presentPublicStore } from '../stores/present-store.ts'
import { type Market, marketOf, type Store } from '../stores/store.ts'
import { listProducts, readAvailability, readCategories, readProduct } from './browse.ts'
import { CATALOGUE_CACHING, cacheable, LIVE_CACHING, tags, uncacheable } from './cached-answer.ts'
import { isSort, type ListingQuery } from './listing-query.ts'

/**
 * Cacheable reads, with the Workers Cache in front of its `fetch`; nobody but the gateway can ask it. What it answers
 * depends on the address alone: `/{store}/products`, `/{store}/products/{handle}`, `/{store}/categories`,
 * `/{store}/availability/{sku}`, `/{store}/images/{file}`, `/{store}/store`.
 */
export class Catalogue extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    try {
      return await answer(this.env, request)
    } catch (error) {
      if (error instanceof Problem) return uncacheable(error.code, error.message)
      // A 503 lets the cache go on serving what it has (stale-if-error); a database that is down comes back.
      log('warn', 'the catalogue is not readable', { error: errorText(error) })
      return uncacheable('unavailable', 'The catalogue is not readable at the moment.')
    }
  }

  /** Drops cached answers with these tags. False where there is no cache (local servers) or it did not take the purge. */
  async purge(tags: string[]): Promise<boolean> {
    const { cache } = this.ctx as {
      cache?: { purge(options: { tags: string[] }): Promise<{ success: boolean }> }
    }
    if (!cache) return false
    return (await cache.purge({ tags })).success
  }
}

async function answer(env: Env, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const [slug = '', kind, name] = pathname.slice(1).split('/').map(decodeURIComponent)
  if (kind === 'images' && name !== undefined) return serveImage(env, slug, name, request)
  const store = await loadStore(env, slug)
  if (!store) return uncacheable('store_not_found')
  if (kind === 'store') {
    return cacheable(presentPublicStore(env, store), CATALOGUE_CACHING, [tags.store(slug)])
  }
  if (kind === 'availability' && name !== undefined) return availability(env, store, name)
  const market = marketOf(store, searchParams.get('market') ?? undefined)
  if (!market) return uncacheable('market_not_found')
  const near = nearest(env)
  if (kind === 'categories') return categories(near, store, market, searchParams)
  if (kind !== 'products') return uncacheable('not_found')
  return name === undefined
    ? listing(near, store, market, searchParams)
    : product(near, store, market, searchParams, name)
}

/**
 * Browsing reads the nearest copy of the catalogue. It may lag behind the primary by about as long as the cache may
 * keep an answer; carts, staff and live numbers read the primary. A database without replicas answers as ever
 * (developers.cloudflare.com/d1/best-practices/read-replication).
 */
function nearest(env: Env): Env {
  return { ...env, CATALOGUE: env.CATALOGUE.withSession('first-unconstrained') as unknown as D1Database }
}

async function listing(env: Env, store: Store, market: Market, parameters: URLSearchParams) {
  const { slug } = store.ref
  const { page, itemTags } = await listProducts(env, store, market, listingQuery(market, parameters))
  const handles = page.items.map(({ handle }) => tags.product(slug, handle))
  const items = itemTags.map((item) => tags.item(slug, item))
  return cacheable(page, CATALOGUE_CACHING, [tags.store(slug), tags.products(slug), ...handles, ...items])
}

async function product(env: Env, store: Store, market: Market, parameters: URLSearchParams, handle: string) {
  const { slug } = store.ref
  const found = await readProduct(env, store, market, localeOf(market, parameters), handle)
  if (!found) return uncacheable('product_not_found')
  const items = found.itemTags.map((item) => tags.item(slug, item))
  return cacheable(found.page, CATALOGUE_CACHING, [tags.store(slug), tags.product(slug, handle), ...items])
}

async function categories(env: Env, store: Store, market: Market, parameters: URLSearchParams) {
  const { slug } = store.ref
  const items = await readCategories(env, store, localeOf(market, parameters))
  return cacheable({ items }, CATALOGUE_CACHING, [tags.store(slug), tags.categories(slug)])
}

async function availability(env: Env, store: Store, sku: string) {
  return cacheable(await readAvailability(env, store, sku), LIVE_CACHING, [tags.store(store.ref.slug)])
}

function localeOf(market: Market, parameters: URLSearchParams): string {
  return parameters.get('locale') ?? market.locales[0] ?? 'en'
}

function listingQuery(market: Market, parameters: URLSearchParams): ListingQuery {
  const number = (name: string) => (parameters.has(name) ? Number(parameters.get(name)) : undefined)
  const sort = parameters.get('sort') ?? 'newest'
  return {
    locale: localeOf(market, parameters),
    limit: number('limit') ?? 20,
    cursor: parameters.get('cursor') ?? undefined,
    sort: isSort(sort) ? sort : 'newest',
    category: parameters.get('category') ?? undefined,
    minPrice: number('minPrice'),
    maxPrice: number('maxPrice'),
    isInStock: parameters.has('inStock'),
    q: parameters.get('q') ?? undefined,
    handles: parameters.getAll('handle'),
    skus: parameters.getAll('sku'),
  }
}
