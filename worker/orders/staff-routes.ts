import { createRoute, z } from '@hono/zod-openapi'
import { fromIso } from '../../runtime/clock.ts'
import { cancellationSchema, orderSchema } from '../../schema/http/order.ts'
import { skuSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { cancelOrder } from './cancel-order.ts'
import { expectedVersion, orderEtag } from './order-version.ts'
import { readOrderForStaff } from './read-order.ts'
import { searchOrders } from './search-orders.ts'

/** What staff and partners may do with orders. No answer here holds an order's token. */
export const staffOrdersRoutes = newRoutes()

const tags = ['Orders (staff)']
const orderParam = z.object({ orderId: z.string() })
const orderWithoutToken = orderSchema.omit({ token: true }).openapi('OrderWithoutToken')
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
  description: 'From its owner, so never behind. `ETag` is its version. Needs `orders:read`.',
  middleware: [requireScope('orders:read')] as const,
  request: { params: orderParam },
  responses: {
    200: json('The order', orderWithoutToken),
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'order_not_found', 'unavailable'),
  },
})

staffOrdersRoutes.openapi(read, async (c) => {
  const found = await readOrderForStaff(c.env, c.get('store'), c.req.valid('param').orderId)
  if (!found.ok) return replyRefusal(c, found)
  return c.json(found.order, 200, { ETag: orderEtag(found.order) })
})

const cancel = createRoute({
  method: 'post',
  path: '/v1/admin/orders/{orderId}/cancellation',
  tags,
  security: bearer('orders:write'),
  summary: 'Cancel an order',
  description:
    'Gives the stock back at once; an authorized payment is voided and a captured one refunded, repeated until it succeeds. `If-Match` with the version guards against a change that the caller has not seen. Needs `orders:write`.',
  middleware: [requireScope('orders:write'), jsonBody(false)] as const,
  request: {
    params: orderParam,
    headers: idempotencyHeader.required.extend({
      'if-match': z.string().max(200).optional().openapi({ description: 'The ETag last seen, e.g. `"1"`.' }),
    }),
    body: { ...body(cancellationSchema), required: false },
  },
  responses: {
    200: json('The cancelled order', orderWithoutToken),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_missing',
      'idempotency_key_invalid',
      'unauthorized',
      'scope_missing',
      'order_not_found',
      'order_state_conflict',
      'precondition_failed',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'unavailable',
    ),
  },
})

staffOrdersRoutes.openapi(cancel, async (c) => {
  const idempotency = await requiredStamp(c)
  const expected = expectedVersion(c.req.valid('header')['if-match'])
  if (!expected.ok) return replyRefusal(c, expected)
  const done = await cancelOrder(c.env, c.get('store'), c.req.valid('param').orderId, {
    reason: c.req.valid('json').reason ?? null,
    actor: c.get('credential').id,
    expectedVersion: expected.version,
    idempotency,
  })
  if (!done.ok) return replyKept(c, done, idempotency)
  return c.json(done.order, 200, { ETag: orderEtag(done.order), ...(done.isReplay && REPLAYED_HEADER) })
})
