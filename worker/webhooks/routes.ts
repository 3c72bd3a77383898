import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { optionalStamp, REPLAYED_HEADER } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { askEndpoint, changeEndpoint, deleteEndpoint } from './change-endpoint.ts'
import { createEndpoint } from './create-endpoint.ts'
import { deliveriesRoutes } from './delivery-routes.ts'
import {
  createdSchema,
  descriptionSchema,
  endpointOnTheWire,
  endpointSchema,
  typesSchema,
  urlSchema,
} from './endpoint-on-the-wire.ts'
import { listEndpoints } from './list-endpoints.ts'

const PATH = '/v1/webhook-endpoints'
const mayWrite = requireScope('webhooks:write')
const params = z.object({ id: z.string().max(200) })
const DENIED = ['malformed_request', 'unauthorized', 'scope_missing', 'store_not_found'] as const
const ABSENT = [...DENIED, 'webhook_endpoint_not_found'] as const

const createEndpointRoute = createRoute({
  method: 'post',
  path: PATH,
  tags: ['Webhooks'],
  summary: 'Register a webhook endpoint',
  description:
    'Events whose type matches one of `types`, and which the key that registers may read, are posted to `url` by Standard Webhooks ' +
    '1.0.0 (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`), in order within a subject, until a 2xx answers; ' +
    'retried for about 76 hours, then kept in the dead-letter list. The same event may come twice: deduplicate by ' +
    '`webhook-id`. It starts with the events after this moment, or after the log position `from`. The secret is shown here only. ' +
    'At most 50 endpoints a store (409 `endpoint_limit_reached`).',
  security: bearer('webhooks:write'),
  middleware: [mayWrite, jsonBody(true)] as const,
  request: {
    headers: idempotencyHeader.optional,
    body: body(
      z
        .strictObject({
          url: urlSchema,
          types: typesSchema.default(['*']),
          description: descriptionSchema.default(''),
          from: z
            .int()
            .min(0)
            .optional()
            .openapi({ description: 'Log position, exclusive; 0: the whole log.' }),
        })
        .openapi('WebhookEndpointCreate'),
    ),
  },
  responses: {
    201: json('The endpoint, with its secret', createdSchema),
    ...problems(
      ...DENIED,
      'malformed_json',
      'idempotency_key_invalid',
      'endpoint_limit_reached',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
    ),
  },
})

const listRoute = createRoute({
  method: 'get',
  path: PATH,
  tags: ['Webhooks'],
  summary: 'List webhook endpoints',
  description: 'In order of id. Secrets are never shown again.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { query: z.object(pageQuery) },
  responses: { 200: json('A page', pageOf(endpointSchema)), ...problems(...DENIED, 'cursor_invalid') },
})

const getRoute = createRoute({
  method: 'get',
  path: `${PATH}/{id}`,
  tags: ['Webhooks'],
  summary: 'Read a webhook endpoint',
  description: 'With its status, how far it has read, and how much is pending or dead.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { params },
  responses: { 200: json('The endpoint', endpointSchema), ...problems(...ABSENT) },
})

const patchRoute = createRoute({
  method: 'patch',
  path: `${PATH}/{id}`,
  tags: ['Webhooks'],
  summary: 'Change a webhook endpoint',
  description:
    'Members that are absent stay. What is pending goes to the new address. A new `url` or new `types` limit the endpoint to what the ' +
    'key that sets them may read; pending deliveries of anything else go to the dead-letter list.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite, jsonBody(true)] as const,
  request: {
    params,
    body: body(
      z
        .strictObject({ url: urlSchema, types: typesSchema, description: descriptionSchema })
        .partial()
        .openapi('WebhookEndpointPatch'),
    ),
  },
  responses: {
    200: json('The endpoint', endpointSchema),
    ...problems(...ABSENT, 'malformed_json', 'body_too_large', 'unsupported_media_type'),
  },
})

const deleteRoute = createRoute({
  method: 'delete',
  path: `${PATH}/{id}`,
  tags: ['Webhooks'],
  summary: 'Delete a webhook endpoint',
  description: 'Nothing more is sent; its deliveries are forgotten. 204 also when it is absent.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { params },
  responses: { 204: { description: 'It is gone' }, ...problems(...DENIED) },
})

const pauseRoute = createRoute({
  method: 'post',
  path: `${PATH}/{id}/pause`,
  tags: ['Webhooks'],
  summary: 'Pause a webhook endpoint',
  description:
    'Nothing is sent and nothing is lost: events wait. Safe to repeat; a disabled endpoint stays so.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { params },
  responses: { 200: json('The endpoint', endpointSchema), ...problems(...ABSENT) },
})

const resumeRoute = createRoute({
  method: 'post',
  path: `${PATH}/{id}/resume`,
  tags: ['Webhooks'],
  summary: 'Resume a paused or disabled webhook endpoint',
  description: 'It goes on where it stopped. Safe to repeat.',
  security: bearer('webhooks:write'),
  middleware: [mayWrite] as const,
  request: { params },
  responses: { 200: json('The endpoint', endpointSchema), ...problems(...ABSENT) },
})

export const webhooksRoutes = newRoutes()

webhooksRoutes.openapi(createEndpointRoute, async (c) => {
  const outcome = await createEndpoint(c.env, {
    ...c.req.valid('json'),
    from: c.req.valid('json').from,
    store: c.get('store').ref,
    scopes: [...c.get('credential').scopes],
    stamp: await optionalStamp(c),
  })
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  if (outcome.isReplay) c.header('Idempotency-Replayed', REPLAYED_HEADER['Idempotency-Replayed'])
  c.header('Location', `${PATH}/${outcome.endpoint.id}`)
  return c.json({ ...endpointOnTheWire(outcome.endpoint), secret: outcome.secret }, 201)
})

webhooksRoutes.openapi(listRoute, async (c) => {
  const { limit, cursor } = c.req.valid('query')
  const [afterId] = cursor ? decodeCursor(cursor, ['string'] as const) : ['']
  const { endpoints, nextId } = await listEndpoints(c.env, c.get('store').ref, afterId, limit)
  const nextCursor = nextId === null ? null : encodeCursor([nextId])
  linkNext(c, nextCursor)
  return c.json({ items: endpoints.map(endpointOnTheWire), nextCursor }, 200)
})

webhooksRoutes.openapi(getRoute, async (c) => {
  const { id } = c.req.valid('param')
  const outcome = await askEndpoint(c.env, c.get('store').ref, id, (object) => object.describe())
  return outcome.ok ? c.json(endpointOnTheWire(outcome.endpoint), 200) : (replyRefusal(c, outcome) as never)
})

webhooksRoutes.openapi(patchRoute, async (c) => {
  const { id } = c.req.valid('param')
  const { url = null, types = null, description = null } = c.req.valid('json')
  const scopes = [...c.get('credential').scopes]
  const outcome = await changeEndpoint(
    c.env,
    c.get('store').ref,
    id,
    (object) => object.update({ url, types, description, scopes }),
    url === null && types === null ? undefined : scopes,
  )
  return outcome.ok ? c.json(endpointOnTheWire(outcome.endpoint), 200) : (replyRefusal(c, outcome) as never)
})

webhooksRoutes.openapi(deleteRoute, async (c) => {
  await deleteEndpoint(c.env, c.get('store').ref, c.req.valid('param').id)
  return c.body(null, 204)
})

webhooksRoutes.openapi(pauseRoute, async (c) => {
  const { id } = c.req.valid('param')
  const outcome = await changeEndpoint(c.env, c.get('store').ref, id, (object) => object.pause())
  return outcome.ok ? c.json(endpointOnTheWire(outcome.endpoint), 200) : (replyRefusal(c, outcome) as never)
})

webhooksRoutes.openapi(resumeRoute, async (c) => {
  const { id } = c.req.valid('param')
  const outcome = await changeEndpoint(c.env, c.get('store').ref, id, (object) => object.resume())
  return outcome.ok ? c.json(endpointOnTheWire(outcome.endpoint), 200) : (replyRefusal(c, outcome) as never)
})

webhooksRoutes.route('/', deliveriesRoutes)
