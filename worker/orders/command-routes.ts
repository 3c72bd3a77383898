import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { orderSchema } from '../../schema/http/order.ts'
import {
  cancellationSchema,
  fulfillmentBodySchema,
  nothingSchema,
  receiptBodySchema,
  refundBodySchema,
  returnBodySchema,
} from '../../schema/http/order-commands.ts'
import type { Outcome } from '../../schema/outcome.ts'
import type { ProblemCode } from '../../schema/problems.ts'
import { requireScope } from '../auth/require-scope.ts'
import type { AppEnv } from '../http/app-env.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { type ProblemReply, replyRefusal } from '../http/problem.ts'
import { commandOrder, fulfillOrder, type OrderedBy, placed } from './command-order.ts'
import { expectedVersion, orderEtag } from './order-version.ts'
import type { TokenlessOrder } from './read-order.ts'

/** What staff do with an order, one noun each. Every answer is the whole order as it is then. */
export const orderCommandRoutes = newRoutes()

const orderParam = z.object({ orderId: z.string() })
const fulfillmentParam = orderParam.extend({ fulfillmentId: z.string() })
const returnParam = orderParam.extend({ returnId: z.string() })
const orderWithoutToken = orderSchema.omit({ token: true }).openapi('OrderWithoutToken')

export const ifMatchHeader = {
  'if-match': z.string().max(200).optional().openapi({ description: 'The ETag last seen, e.g. `"1"`.' }),
}

const GUARDS =
  '`If-Match` with the version guards against a change that the caller has not seen. Needs `orders:write`.'

/** The description of one command: all have the same guards, and differ in path, body and what they say. */
function commandRoute<const P extends string, B extends z.ZodType, R extends z.ZodObject>(about: {
  path: P
  params: R
  body: B
  isBodyRequired?: boolean
  summary: string
  description: string
  codes?: ProblemCode[]
}) {
  return createRoute({
    method: 'post',
    path: about.path,
    tags: ['Orders (staff)'],
    security: bearer('orders:write'),
    summary: about.summary,
    description: `${about.description} ${GUARDS}`,
    middleware: [requireScope('orders:write'), jsonBody(about.isBodyRequired ?? false)] as const,
    request: {
      params: about.params,
      headers: idempotencyHeader.required.extend(ifMatchHeader),
      body: { ...body(about.body), required: about.isBodyRequired ?? false },
    },
    responses: {
      [statusOf(about.path)]: answer,
      ...problems(
        'malformed_request',
        'malformed_json',
        'idempotency_key_missing',
        'idempotency_key_invalid',
        'unauthorized',
        'scope_missing',
        'order_not_found',
        ...(about.codes ?? []),
        'order_state_conflict',
        'precondition_failed',
        'body_too_large',
        'unsupported_media_type',
        'idempotency_key_reused',
        'unavailable',
      ),
    } as { 200: typeof answer; 201: typeof answer },
  })
}

const answer = json('The order as it is now', orderWithoutToken)

/** What there is one of is stated; what there may be many of is made. */
function statusOf(path: string): number {
  return /\/(cancellation|delivery|receipt)$/.test(path) ? 200 : 201
}

/** Runs the command under the request's guards and answers the order. */
async function reply(
  c: Context<AppEnv>,
  run: (by: OrderedBy) => Promise<Outcome<{ order: TokenlessOrder; isReplay: boolean }>>,
): Promise<ProblemReply> {
  const idempotency = await requiredStamp(c)
  const expected = expectedVersion(c.req.header('If-Match'))
  if (!expected.ok) return replyRefusal(c, expected)
  const actor = c.get('credential').id
  const done = await run({ actor, expectedVersion: expected.version, idempotency })
  if (!done.ok) return replyKept(c, done, idempotency)
  const headers = { ETag: orderEtag(done.order), ...(done.isReplay && REPLAYED_HEADER) }
  return c.json(done.order, statusOf(c.req.path) as 200 | 201, headers) as unknown as ProblemReply
}

const capture = commandRoute({
  path: '/v1/admin/orders/{orderId}/captures',
  params: orderParam,
  body: nothingSchema,
  summary: 'Capture the payment',
  description:
    'Takes what was authorized, without what was cancelled meanwhile. The provider is asked until it has done it; then the order is `paid` and `order.paid` is told.',
})

orderCommandRoutes.openapi(capture, (c) =>
  reply(c, (by) => commandOrder(c.env, c.get('store'), c.req.valid('param').orderId, { do: 'capture' }, by)),
)

const fulfill = commandRoute({
  path: '/v1/admin/orders/{orderId}/fulfillments',
  params: orderParam,
  body: fulfillmentBodySchema,
  summary: 'Ship goods',
  description:
    'The units leave the stock of the location, or of the positions that were chosen for the order. Goods that are not on hand there refuse it whole (`stock_conflict` with `items`).',
  codes: ['location_not_found', 'stock_conflict', 'limit_reached'],
})

orderCommandRoutes.openapi(fulfill, (c) =>
  reply(c, (by) => {
    const { lines = null, location = null, tracking = null } = c.req.valid('json')
    const action = { do: 'fulfill' as const, lines, location, tracking }
    return fulfillOrder(c.env, c.get('store'), c.req.valid('param').orderId, action, by)
  }),
)

const deliver = commandRoute({
  path: '/v1/admin/orders/{orderId}/fulfillments/{fulfillmentId}/delivery',
  params: fulfillmentParam,
  body: nothingSchema,
  summary: 'Say that a fulfillment was delivered',
  description: 'Told as `order.delivered`, once.',
  codes: ['fulfillment_not_found'],
})

orderCommandRoutes.openapi(deliver, (c) =>
  reply(c, (by) => {
    const { orderId, fulfillmentId } = c.req.valid('param')
    return commandOrder(c.env, c.get('store'), orderId, { do: 'deliver', fulfillmentId }, by)
  }),
)

const cancel = commandRoute({
  path: '/v1/admin/orders/{orderId}/cancellation',
  params: orderParam,
  body: cancellationSchema,
  summary: 'Cancel an order, or lines of it',
  description:
    'Without `lines`: all that was not shipped. Gives the stock back at once; what was captured for it is refunded, repeated until it succeeds, and what was only authorized is not captured, or voided when nothing is left. An order of which nothing was shipped is `cancelled` with its last unit, shipping included (`order.cancelled`); in part it is `order.edited`.',
})

orderCommandRoutes.openapi(cancel, (c) =>
  reply(c, (by) => {
    const { lines = null, reason = null } = c.req.valid('json')
    const action = { do: 'cancel' as const, lines, reason }
    return commandOrder(c.env, c.get('store'), c.req.valid('param').orderId, action, by)
  }),
)

const refund = commandRoute({
  path: '/v1/admin/orders/{orderId}/refunds',
  params: orderParam,
  body: refundBodySchema,
  summary: 'Refund money',
  description:
    'An amount, the price of units, or without either all that is left; never more than was captured and not refunded. It goes to the payments it came from, in their order, and is `pending` until the provider has done it, which `order.refunded` tells. No stock moves.',
  codes: ['limit_reached'],
})

orderCommandRoutes.openapi(refund, (c) =>
  reply(c, (by) => {
    const { amount = null, lines = null, reason = null } = c.req.valid('json')
    const action = { do: 'refund' as const, amount, lines, reason }
    return commandOrder(c.env, c.get('store'), c.req.valid('param').orderId, action, by)
  }),
)

const giveBack = commandRoute({
  path: '/v1/admin/orders/{orderId}/returns',
  params: orderParam,
  body: returnBodySchema,
  isBodyRequired: true,
  summary: 'Agree on a return, or take one in',
  description:
    'Shipped units that will come back. With a `disposition` on each line the goods are there already, and the return is received with it. `refund: false` leaves the money where it is, e.g. for an exchange.',
  codes: ['location_not_found', 'limit_reached'],
})

orderCommandRoutes.openapi(giveBack, (c) =>
  reply(c, async (by) => {
    const { lines, refund: isRefunded } = c.req.valid('json')
    const asked = lines.map(({ lineId, quantity, reason = null }) => ({ lineId, quantity, reason }))
    const came = lines.flatMap(({ disposition, ...line }) => (disposition ? [{ ...line, disposition }] : []))
    const received = came.length > 0 ? await placed(c.env, c.get('store'), came) : null
    if (received && !received.ok) return received
    const action = { do: 'return' as const, lines: asked, isRefunded, received: received?.lines ?? null }
    return commandOrder(c.env, c.get('store'), c.req.valid('param').orderId, action, by)
  }),
)

const receive = commandRoute({
  path: '/v1/admin/orders/{orderId}/returns/{returnId}/receipt',
  params: returnParam,
  body: receiptBodySchema,
  isBodyRequired: true,
  summary: 'Take a return in',
  description:
    'What came, once: `restock` puts it back on the shelf, `write_off` does not. What did not come may be agreed on again. The price of what came is refunded unless the return says otherwise, and `order.returned` is told.',
  codes: ['location_not_found', 'return_not_found'],
})

orderCommandRoutes.openapi(receive, (c) =>
  reply(c, async (by) => {
    const { orderId, returnId } = c.req.valid('param')
    const came = await placed(c.env, c.get('store'), c.req.valid('json').lines)
    if (!came.ok) return came
    const action = { do: 'receive' as const, returnId, lines: came.lines }
    return commandOrder(c.env, c.get('store'), orderId, action, by)
  }),
)
