import { createRoute, z } from '@hono/zod-openapi'
import { categoryBodySchema, categorySchema } from '../../schema/http/product.ts'
import type { ProblemCode } from '../../schema/problems.ts'
import { handleSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { Problem, replyRefusal } from '../http/problem.ts'
import { selectCategory, selectCategoryPage } from './category-store.ts'
import { deleteCategory, putCategory } from './change-category.ts'

export const adminCategoryRoutes = newRoutes()

const common = { tags: ['Catalogue'] }
const STAFF: ProblemCode[] = ['unauthorized', 'scope_missing', 'store_not_found']

const put = createRoute({
  ...common,
  method: 'put',
  path: '/v1/admin/categories/{handle}',
  summary: 'Set a category',
  description:
    'Creates the category or replaces it whole. The parent must exist (404 category_not_found) and not be below it. At most 2,000 a store, 10 levels deep. Moving a category relists the products below it.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write'), jsonBody(true)] as const,
  request: { params: z.object({ handle: handleSchema }), body: body(categoryBodySchema) },
  responses: {
    200: json('The category', categorySchema),
    ...problems(
      ...STAFF,
      'malformed_request',
      'malformed_json',
      'category_not_found',
      'limit_reached',
      'body_too_large',
      'unsupported_media_type',
    ),
  },
})
adminCategoryRoutes.openapi(put, async (c) => {
  const { handle } = c.req.valid('param')
  const outcome = await putCategory(c.env, c.get('store').ref.slug, handle, c.req.valid('json'))
  return outcome.ok ? c.json(outcome.category, 200) : (replyRefusal(c, outcome) as never)
})

const get = createRoute({
  ...common,
  method: 'get',
  path: '/v1/admin/categories/{handle}',
  summary: 'Read a category',
  description: '404 category_not_found when there is none.',
  security: bearer('catalogue:read'),
  middleware: [requireScope('catalogue:read')] as const,
  request: { params: z.object({ handle: z.string() }) },
  responses: { 200: json('The category', categorySchema), ...problems(...STAFF, 'category_not_found') },
})
adminCategoryRoutes.openapi(get, async (c) => {
  const { handle } = c.req.valid('param')
  const category = await selectCategory(c.env.CATALOGUE, c.get('store').ref.slug, handle)
  if (!category) throw new Problem('category_not_found')
  return c.json(category, 200)
})

const list = createRoute({
  ...common,
  method: 'get',
  path: '/v1/admin/categories',
  summary: 'List categories',
  description: 'In the order of their handles, up to 100 a page.',
  security: bearer('catalogue:read'),
  middleware: [requireScope('catalogue:read')] as const,
  request: { query: z.object(pageQuery) },
  responses: {
    200: json('A page', pageOf(categorySchema)),
    ...problems(...STAFF, 'malformed_request', 'cursor_invalid'),
  },
})
adminCategoryRoutes.openapi(list, async (c) => {
  const { limit, cursor } = c.req.valid('query')
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'] as const)[0]
  const found = await selectCategoryPage(c.env.CATALOGUE, c.get('store').ref.slug, after, limit + 1)
  const items = found.slice(0, limit)
  const nextCursor = found.length > limit ? encodeCursor([items.at(-1)!.handle]) : null
  linkNext(c, nextCursor)
  return c.json({ items, nextCursor }, 200)
})

const remove = createRoute({
  ...common,
  method: 'delete',
  path: '/v1/admin/categories/{handle}',
  summary: 'Delete a category',
  description:
    '204 also when it is not there. 409 resource_in_use while categories are below it. Products stay and go on naming it; a category of the same handle finds them again.',
  security: bearer('catalogue:write'),
  middleware: [requireScope('catalogue:write')] as const,
  request: { params: z.object({ handle: z.string() }) },
  responses: { 204: { description: 'It is not there' }, ...problems(...STAFF, 'resource_in_use') },
})
adminCategoryRoutes.openapi(remove, async (c) => {
  const outcome = await deleteCategory(c.env, c.get('store').ref.slug, c.req.valid('param').handle)
  return outcome.ok ? c.body(null, 204) : (replyRefusal(c, outcome) as never)
})
