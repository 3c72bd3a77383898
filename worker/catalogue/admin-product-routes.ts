import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { productPatchSchema, productSchema, putProductSchema } from '../../schema/http/product.ts'
import type { ProblemCode } from '../../schema/problems.ts'
import { handleSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { nudgeCatalogue } from '../events/outbox-store.ts'
import type { AppEnv } from '../http/app-env.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { Problem, replyRefusal } from '../http/problem.ts'
import { type Changed, deleteProduct, type Expected, patchProduct, putProduct } from './change-product.ts'
import { selectProduct, selectProductPage } from './product-store.ts'

export const adminProductRoutes = newRoutes()

const common = { tags: ['Catalogue'] }
const ifMatch = z.object({
  'if-match': z
    .string()
    .max(100)
    .optional()
    .openapi({ description: 'The `ETag` that was read; 412 when it is another by now' }),
})
const STAFF: ProblemCode[] = ['unauthorized', 'scope_missing', 'store_not_found']
const CHANGE: ProblemCode[] = [
  ...STAFF,
  'malformed_request',
  'malformed_json',
  'sku_conflict',
  'request_in_progress',
  'precondition_failed',
  'body_too_large',
  'unsupported_media_type',
]

const put = createRoute({
  ...common,
  method: 'put',
  path: '/v1/admin/products/{handle}',
  summary: 'Set a product',
  description:
    'Creates the product or replaces it whole: members that are absent take their defaults. Up to 250 variants, 5 options, 50 media, 256 KiB. A SKU belongs to one product of the store (409 sku_conflict). A PUT that changes nothing makes no event.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write'), jsonBody(true)] as const,
  request: { params: z.object({ handle: handleSchema }), headers: ifMatch, body: body(putProductSchema) },
  responses: { 200: json('The product', productSchema), ...problems(...CHANGE) },
})
adminProductRoutes.openapi(put, async (c) => {
  const { handle } = c.req.valid('param')
  const expected = expectedOf(c.req.valid('header')['if-match'])
  return replyChanged(c, await putProduct(c.env, c.get('store'), handle, c.req.valid('json'), expected))
})

const patch = createRoute({
  ...common,
  method: 'patch',
  path: '/v1/admin/products/{handle}',
  summary: 'Change a product',
  description: 'Members that are absent stay; those that are given are replaced whole, `variants` included.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write'), jsonBody(true)] as const,
  request: { params: z.object({ handle: z.string() }), headers: ifMatch, body: body(productPatchSchema) },
  responses: { 200: json('The product', productSchema), ...problems(...CHANGE, 'product_not_found') },
})
adminProductRoutes.openapi(patch, async (c) => {
  const { handle } = c.req.valid('param')
  const expected = expectedOf(c.req.valid('header')['if-match'])
  return replyChanged(c, await patchProduct(c.env, c.get('store'), handle, c.req.valid('json'), expected))
})

const remove = createRoute({
  ...common,
  method: 'delete',
  path: '/v1/admin/products/{handle}',
  summary: 'Delete a product',
  description:
    '204 also when it is not there. Its SKUs are free again; stock and orders stay as they are. Archive it instead to keep it.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write')] as const,
  request: { params: z.object({ handle: z.string() }), headers: ifMatch },
  responses: {
    204: { description: 'It is not there' },
    ...problems(...STAFF, 'precondition_failed', 'request_in_progress'),
  },
})
adminProductRoutes.openapi(remove, async (c) => {
  const expected = expectedOf(c.req.valid('header')['if-match'])
  const store = c.get('store')
  const outcome = await deleteProduct(c.env, store, c.req.valid('param').handle, expected)
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  if (outcome.isChanged) nudgeCatalogue(c.env, c.executionCtx, store.ref)
  return c.body(null, 204)
})

const get = createRoute({
  ...common,
  method: 'get',
  path: '/v1/admin/products/{handle}',
  summary: 'Read a product as its editors see it',
  description: 'As it is now, whatever its status, with an `ETag` for `If-Match`.',
  security: bearer('catalogue:read'),
  middleware: [requireScope('catalogue:read')] as const,
  request: { params: z.object({ handle: z.string() }) },
  responses: { 200: json('The product', productSchema), ...problems(...STAFF, 'product_not_found') },
})
adminProductRoutes.openapi(get, async (c) => {
  const { handle } = c.req.valid('param')
  const found = await selectProduct(c.env.CATALOGUE, c.get('store').ref.slug, handle)
  if (!found) throw new Problem('product_not_found')
  return c.json(found.product, 200, { ETag: `"${found.revision}"` })
})

const list = createRoute({
  ...common,
  method: 'get',
  path: '/v1/admin/products',
  summary: 'List products as their editors see them',
  description: 'In the order of their handles, any status unless one is asked for; up to 100 a page.',
  security: bearer('catalogue:read'),
  middleware: [requireScope('catalogue:read')] as const,
  request: {
    query: z.object({ ...pageQuery, status: z.enum(['active', 'draft', 'archived']).optional() }),
  },
  responses: {
    200: json('A page', pageOf(productSchema)),
    ...problems(...STAFF, 'malformed_request', 'cursor_invalid'),
  },
})
adminProductRoutes.openapi(list, async (c) => {
  const { limit, cursor, status } = c.req.valid('query')
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'] as const)[0]
  const { slug } = c.get('store').ref
  const found = await selectProductPage(c.env.CATALOGUE, slug, after, status ?? null, limit + 1)
  const items = found.slice(0, limit)
  const nextCursor = found.length > limit ? encodeCursor([items.at(-1)!.handle]) : null
  linkNext(c, nextCursor)
  return c.json({ items, nextCursor }, 200)
})

/** A revision that cannot be one (another server's ETag) never matches. */
function expectedOf(header: string | undefined): Expected {
  if (header === undefined) return null
  if (header.trim() === '*') return '*'
  return Number(/^"(\d{1,15})"$/.exec(header.trim())?.[1] ?? -1)
}

function replyChanged(c: Context<AppEnv>, outcome: Changed): never {
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  if (outcome.isChanged) nudgeCatalogue(c.env, c.executionCtx, c.get('store').ref)
  return c.json(outcome.product, 200, { ETag: `"${outcome.revision}"` }) as never
}
