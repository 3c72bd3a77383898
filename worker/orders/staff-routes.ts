import { createRoute, z } from '@hono/zod-openapi'
import { fromIso } from '../../runtime/clock.ts'
import { orderSchema, timelineSchema } from '../../schema/http/order.ts'
import { orderPatchSchema } from '../../schema/http/order-commands.ts'
import { skuSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { commandOrder } from './command-order.ts'
import { ifMatchHeader } from './command-routes.ts'
import { expectedVersion, orderEtag } from './order-version.ts'
import { readOrderForStaff } from './read-order.ts'
import { searchOrders } from './search-orders.ts'

/** What staff and partners may do with orders. No answer here holds an order's token. */
export const staffOrdersRoutes = newRoutes()

const tags = ['Orders (staff)']
const orderParam = z.object({ orderId: z.string() })
const orderWithoutToken = orderSchema.omit({ token: true }).openapi('OrderWithoutToken')
const orderWithTimeline = orderWithoutToken.extend({ timeline: timelineSchema }).openapi('OrderForStaff')
const { status, paymentStatus, fulfillmentStatus } = orderSchema.shape

const list = createRoute({
  method: 'get',
  path: '/v1/admin/orders',
  tags,
  security: bearer('orders:read'),
  summary: 'List orders, newest first',
  description:
    'From the record, which follows an order within moments. Filters are joined by "and"; at most 100 orders a page. Needs `orders:read`.',
  middleware: [requireScope('orders:read')] as const,
  request: {
    query: z.object({
      ...pageQuery,
      sku: skuSchema.optional(),
      status: status.optional(),
      paymentStatus: paymentStatus.optional(),
      fulfillmentStatus: fulfillmentStatus.optional(),
      email: z.string().trim().toLowerCase().pipe(z.email().max(254)).optional(),
      number: z
        .string()
        .trim()
        .toUpperCase()
        .regex(/^[A-Z0-9-]{1,40}$/)
        .optional(),
      since: z.iso
        .datetime({ offset: true })
        .optional()
        .openapi({ description: 'Placed at this instant or later, ISO 8601.' }),
    }),
  },
  responses: {
    200: json('A page of whole orders', pageOf(orderWithoutToken)),
    ...problems('malformed_request', 'cursor_invalid', 'unauthorized', 'scope_missing', 'unavailable'),
  },
})

staffOrdersRoutes.openapi(list, async (c) => {
  const { limit, cursor, since, ...filter } = c.req.valid('query')
  const after = cursor === undefined ? null : positionOf(cursor)
  const from = since === undefined ? undefined : fromIso(since)
  const page = await searchOrders(c.env, c.get('store'), { ...filter, since: from }, after, limit)
  if (!page.ok) return replyRefusal(c, page)
  const nextCursor = page.next && encodeCursor([page.next.placedAt, page.next.orderId])
  linkNext(c, nextCursor)
  return c.json({ items: page.orders, nextCursor }, 200)
})

function positionOf(cursor: string) {
  const [placedAt, orderId] = decodeCursor(cursor, ['number', 'string'] as const)
  return { placedAt, orderId }
}

const read = createRoute({
  method: 'get',
  path: '/v1/admin/orders/{orderId}',
  tags,
  security: bearer('orders:read'),
  summary: 'Read an order',
  description:
    'From its owner, so never behind, with who did what. `ETag` is its version. Needs `orders:read`.',
  middleware: [requireScope('orders:read')] as const,
  request: { params: orderParam },
  responses: {
    200: json('The order, with who did what', orderWithTimeline),
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'order_not_found', 'unavailable'),
  },
})

staffOrdersRoutes.openapi(read, async (c) => {
  const found = await readOrderForStaff(c.env, c.get('store'), c.req.valid('param').orderId)
  if (!found.ok) return replyRefusal(c, found)
  return c.json({ ...found.order, timeline: found.timeline }, 200, { ETag: orderEtag(found.order) })
})

const amend = createRoute({
  method: 'patch',
  path: '/v1/admin/orders/{orderId}',
  tags,
  security: bearer('orders:write'),
  summary: "Change an order's note and metadata",
  description:
    'Members that are absent stay; `metadata` is replaced whole. No event shows either. `If-Match` guards as everywhere. Needs `orders:write`.',
  middleware: [requireScope('orders:write'), jsonBody(true)] as const,
  request: {
    params: orderParam,
    headers: z.object(ifMatchHeader),
    body: body(orderPatchSchema),
  },
  responses: {
    200: json('The order', orderWithoutToken),
    ...problems(
      'malformed_request',
      'malformed_json',
      'unauthorized',
      'scope_missing',
      'order_not_found',
      'precondition_failed',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ),
  },
})

staffOrdersRoutes.openapi(amend, async (c) => {
  const expected = expectedVersion(c.req.valid('header')['if-match'])
  if (!expected.ok) return replyRefusal(c, expected)
  const { note, metadata } = c.req.valid('json')
  const changed = { ...(note !== undefined && { note }), ...(metadata !== undefined && { metadata }) }
  const by = { actor: c.get('credential').id, expectedVersion: expected.version, idempotency: null }
  const action = { do: 'amend' as const, ...changed }
  const done = await commandOrder(c.env, c.get('store'), c.req.valid('param').orderId, action, by)
  if (!done.ok) return replyRefusal(c, done)
  return c.json(done.order, 200, { ETag: orderEtag(done.order) })
})
