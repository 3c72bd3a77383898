import { createRoute, z } from '@hono/zod-openapi'
import { fromIso, toIso } from '../../runtime/clock.ts'
import { DELIVERY_STATES, REDELIVERIES_MAX } from '../../schema/rpc/webhook-endpoint.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { optionalStamp, REPLAYED_HEADER } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { askEndpoint } from './change-endpoint.ts'
import { attemptOnTheWire, attemptSchema, deliveryOnTheWire, deliverySchema } from './endpoint-on-the-wire.ts'

const PATH = '/v1/webhook-endpoints/{id}'
const mayWrite = requireScope('webhooks:write')
const params = z.object({ id: z.string().max(200) })
const COMMON = [
  'malformed_request',
  'unauthorized',
  'scope_missing',
  'store_not_found',
  'webhook_endpoint_not_found',
] as const
const WITH_KEY = [...COMMON, 'malformed_json', 'idempotency_key_invalid', 'idempotency_key_reused'] as const
/** These two take nothing from a body, and what does not fit is refused before it is made a part of the key. */
const noBody = { ...body(z.strictObject({}).openapi('EmptyBody')), required: false }
/** 1,000 ids are 30 KB: a page of a partner's own log of what it missed. */
const EVENT_IDS_MAX = 1_000

const rotateRoute = createRoute({
  method: 'post',
  path: `${PATH}/secret-rotation`,
  tags: ['Webhooks'],
  summary: 'Rotate the signing secret',
  description:
    'Answers the new secret, once. For 24 hours the new and the old secret both sign, each with its own `v1` signature.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite, jsonBody(false)] as const,
  request: { params, headers: idempotencyHeader.optional, body: noBody },
  responses: {
    201: json(
      'The new secret',
      z.object({ secret: z.string(), previousExpiresAt: z.iso.datetime() }).openapi('WebhookSecret'),
    ),
    ...problems(...WITH_KEY, 'body_too_large', 'unsupported_media_type'),
  },
})

const testRoute = createRoute({
  method: 'post',
  path: `${PATH}/test`,
  tags: ['Webhooks'],
  summary: 'Send a test event now',
  description:
    'Posts one signed `webhook_endpoint.test` event, whatever the status of the endpoint, and answers what came of it. It is not in the log ' +
    '(`sequence` and `position` are 0) and is not retried.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite, jsonBody(false)] as const,
  request: { params, headers: idempotencyHeader.optional, body: noBody },
  responses: {
    200: json('The attempt', attemptSchema.extend({ eventId: z.string() }).openapi('WebhookTest')),
    ...problems(...WITH_KEY, 'request_in_progress', 'body_too_large', 'unsupported_media_type'),
  },
})

const redeliverRoute = createRoute({
  method: 'post',
  path: `${PATH}/redeliveries`,
  tags: ['Webhooks'],
  summary: 'Deliver again',
  description:
    'Schedules the deliveries that match all given members: dead and delivered ones anew, waiting retries at once. Delivered ones are ' +
    `kept 7 days and 10,000 long. At most ${REDELIVERIES_MAX} a call, oldest first; \`hasMore\` says when that was not all. Only types that the key which last set \`url\` or \`types\` may read.`,
  security: bearer('webhooks:write'),
  middleware: [mayWrite, jsonBody(true)] as const,
  request: {
    params,
    headers: idempotencyHeader.optional,
    body: body(
      z
        .strictObject({
          eventIds: z.array(z.string().max(100)).min(1).max(EVENT_IDS_MAX).optional(),
          since: z.iso
            .datetime({ offset: true })
            .optional()
            .openapi({ description: 'Events that occurred at or after this instant.' }),
          state: z.enum(DELIVERY_STATES).optional(),
        })
        .refine((filter) => Object.keys(filter).length > 0, 'name eventIds, since or state')
        .openapi('WebhookRedelivery'),
    ),
  },
  responses: {
    202: json(
      'How many',
      z.object({ scheduled: z.int(), hasMore: z.boolean() }).openapi('WebhookRedelivered'),
    ),
    ...problems(...WITH_KEY, 'body_too_large', 'unsupported_media_type'),
  },
})

const deliveriesRoute = createRoute({
  method: 'get',
  path: `${PATH}/deliveries`,
  tags: ['Webhooks'],
  summary: 'List deliveries with their attempts',
  description: 'Newest first. `state=dead` is the dead-letter list, `state=pending` what is still due.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { params, query: z.object({ ...pageQuery, state: z.enum(DELIVERY_STATES).optional() }) },
  responses: {
    200: json('A page', pageOf(deliverySchema)),
    ...problems(...COMMON, 'cursor_invalid'),
  },
})

export const deliveriesRoutes = newRoutes()

deliveriesRoutes.openapi(rotateRoute, async (c) => {
  const idempotency = await optionalStamp(c)
  const { id } = c.req.valid('param')
  const outcome = await askEndpoint(c.env, c.get('store').ref, id, (object) =>
    object.rotateSecret({ idempotency }),
  )
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  const { secret, previousExpiresAt, isReplay } = outcome
  return c.json({ secret, previousExpiresAt: toIso(previousExpiresAt) }, 201, isReplay ? REPLAYED_HEADER : {})
})

deliveriesRoutes.openapi(testRoute, async (c) => {
  const idempotency = await optionalStamp(c)
  const { id } = c.req.valid('param')
  const outcome = await askEndpoint(c.env, c.get('store').ref, id, (object) =>
    object.sendTest({ idempotency }),
  )
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  const { eventId, attempt, isReplay } = outcome
  return c.json({ eventId, ...attemptOnTheWire(attempt) }, 200, isReplay ? REPLAYED_HEADER : {})
})

deliveriesRoutes.openapi(redeliverRoute, async (c) => {
  const idempotency = await optionalStamp(c)
  const { eventIds = null, since, state = null } = c.req.valid('json')
  const { id } = c.req.valid('param')
  const command = { eventIds, since: since === undefined ? null : fromIso(since), state, idempotency }
  const outcome = await askEndpoint(c.env, c.get('store').ref, id, (object) => object.redeliver(command))
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  const { scheduled, hasMore, isReplay } = outcome
  return c.json({ scheduled, hasMore }, 202, isReplay ? REPLAYED_HEADER : {})
})

deliveriesRoutes.openapi(deliveriesRoute, async (c) => {
  const { limit, cursor, state = null } = c.req.valid('query')
  const before = cursor ? decodeCursor(cursor, ['number'] as const)[0] : null
  const { id } = c.req.valid('param')
  const query = { state, before, limit: limit + 1 }
  const outcome = await askEndpoint(c.env, c.get('store').ref, id, (object) => object.deliveries(query))
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  const page = outcome.deliveries.slice(0, limit)
  const nextCursor = outcome.deliveries.length > limit ? encodeCursor([page.at(-1)!.position]) : null
  linkNext(c, nextCursor)
  return c.json({ items: page.map(deliveryOnTheWire), nextCursor }, 200)
})
