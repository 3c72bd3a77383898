import { createRoute, z } from '@hono/zod-openapi'
import {
  categoryNodeSchema,
  type LiveAvailability,
  liveAvailabilitySchema,
  productItemSchema,
  productPageSchema,
} from '../../schema/http/product.ts'
import { publicStoreSchema } from '../../schema/http/settings.ts'
import { handleSchema } from '../../schema/quantity.ts'
import { askCatalogue, problemOf, replyCached } from '../http/ask-catalogue.ts'
import { json, problems } from '../http/describe.ts'
import { newRoutes } from '../http/new-routes.ts'
import { pageOf } from '../http/paging.ts'
import { Problem } from '../http/problem.ts'
import { adminCategoryRoutes } from './admin-category-routes.ts'
import { adminProductRoutes } from './admin-product-routes.ts'
import { audienceOf, audienceQuery, availabilityQuerySchema, listingQuerySchema } from './shopper-query.ts'

export const catalogueRoutes = newRoutes()

const CACHING = 'Cacheable: `Cache-Control`, a strong `ETag`, 304 for `If-None-Match`.'
const notModified = { 304: { description: 'It is the one that `If-None-Match` names' } }

const getStore = createRoute({
  method: 'get',
  path: '/v1/store',
  tags: ['Shop'],
  summary: 'What a storefront starts with',
  description: `Markets, policies and ways to pay. ${CACHING}`,
  responses: {
    200: json('The store', publicStoreSchema),
    ...notModified,
    ...problems('store_not_found', 'unavailable'),
  },
})
catalogueRoutes.openapi(getStore, async (c) => {
  return (await replyCached(c, await askCatalogue(c.get('store').ref.slug, ['store']))) as never
})

const list = createRoute({
  method: 'get',
  path: '/v1/products',
  tags: ['Shop'],
  summary: 'List and find products',
  description: `Active products with a price in the market's currency. Filters combine; unknown parameters are ignored. A page under a filter without an index (stock, words) may be short and still have a cursor. ${CACHING}`,
  request: { query: listingQuerySchema },
  responses: {
    200: json('A page', pageOf(productItemSchema)),
    ...notModified,
    ...problems('malformed_request', 'cursor_invalid', 'store_not_found', 'market_not_found', 'unavailable'),
  },
})
catalogueRoutes.openapi(list, async (c) => {
  const { handle, sku, ...query } = c.req.valid('query')
  const store = c.get('store')
  const { market, locale } = audienceOf(store, query)
  const parameters = { ...query, market: market.code, locale, handle: handle ?? [], sku: sku ?? [] }
  const answer = await replyCached(c, await askCatalogue(store.ref.slug, ['products'], parameters))
  return (await withLink(c.req.url, answer)) as never
})

const get = createRoute({
  method: 'get',
  path: '/v1/products/{handle}',
  tags: ['Shop'],
  summary: 'A product page',
  description: `404 product_not_found also where nothing of it has a price in the market's currency. Availability is a band, never a number; ask /v1/availability for numbers. ${CACHING}`,
  request: { params: z.object({ handle: z.string() }), query: z.object(audienceQuery) },
  responses: {
    200: json('The product', productPageSchema),
    ...notModified,
    ...problems(
      'malformed_request',
      'store_not_found',
      'market_not_found',
      'product_not_found',
      'unavailable',
    ),
  },
})
catalogueRoutes.openapi(get, async (c) => {
  const { handle } = c.req.valid('param')
  if (!handleSchema.safeParse(handle).success) throw new Problem('product_not_found')
  const store = c.get('store')
  const { market, locale } = audienceOf(store, c.req.valid('query'))
  const parameters = { market: market.code, locale }
  return (await replyCached(c, await askCatalogue(store.ref.slug, ['products', handle], parameters))) as never
})

const categories = createRoute({
  method: 'get',
  path: '/v1/categories',
  tags: ['Shop'],
  summary: 'The tree of categories',
  description: `At most 2,000, siblings by position. ${CACHING}`,
  request: { query: z.object(audienceQuery) },
  responses: {
    200: json('The tree', z.object({ items: z.array(categoryNodeSchema) })),
    ...notModified,
    ...problems('malformed_request', 'store_not_found', 'market_not_found', 'unavailable'),
  },
})
catalogueRoutes.openapi(categories, async (c) => {
  const store = c.get('store')
  const { market, locale } = audienceOf(store, c.req.valid('query'))
  const parameters = { market: market.code, locale }
  return (await replyCached(c, await askCatalogue(store.ref.slug, ['categories'], parameters))) as never
})

const availability = createRoute({
  method: 'get',
  path: '/v1/availability',
  tags: ['Shop'],
  summary: 'Live numbers of up to 50 SKUs',
  description:
    'At most a second old, `asOf` says when. In the order asked. An unknown SKU has `status: "unknown"`; one whose stock is not tracked has `available: null`. Not cacheable outside.',
  request: { query: availabilityQuerySchema },
  responses: {
    200: json('The numbers', z.object({ items: z.array(liveAvailabilitySchema) })),
    ...problems('malformed_request', 'store_not_found', 'unavailable'),
  },
})
catalogueRoutes.openapi(availability, async (c) => {
  const skus = [...new Set(c.req.valid('query').sku)]
  const { slug } = c.get('store').ref
  // One cached request for each SKU: arbitrary sets never meet in a cache, so a crowd would reach the objects.
  const answers = await Promise.all(skus.map((sku) => askCatalogue(slug, ['availability', sku])))
  const failed = answers.find(({ ok }) => !ok)
  if (failed) throw await problemOf(failed)
  const items = await Promise.all(answers.map((answer) => answer.json<LiveAvailability>()))
  return c.json({ items }, 200)
})

catalogueRoutes.route('/', adminProductRoutes)
catalogueRoutes.route('/', adminCategoryRoutes)

/** The `Link` to the next page; added out here, since the shopper's own address is not part of the cached answer. */
async function withLink(url: string, answer: Response): Promise<Response> {
  if (answer.status !== 200) return answer
  const text = await answer.text()
  const { nextCursor } = JSON.parse(text) as { nextCursor: string | null }
  const headers = new Headers(answer.headers)
  if (nextCursor !== null) {
    const next = new URL(url)
    next.searchParams.set('cursor', nextCursor)
    headers.set('Link', `<${next.pathname}${next.search}>; rel="next"`)
  }
  return new Response(text, { headers })
}
