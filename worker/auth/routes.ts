import { createRoute, z } from '@hono/zod-openapi'
import { toIso } from '../../runtime/clock.ts'
import { apiKeySchema, newApiKeySchema, shownApiKeySchema } from '../../schema/http/settings.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { optionalStamp, REPLAYED_HEADER } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { forgetKey } from './authenticate.ts'
import { type ApiKey, deleteKey, selectKeyPage } from './key-store.ts'
import { API_KEYS_MAX, makeKey } from './make-key.ts'
import { requireScope } from './require-scope.ts'

export const authRoutes = newRoutes()

/** Sorts after every id, so that the first page begins at the newest key. */
const AFTER_ALL = '~'

const post = createRoute({
  method: 'post',
  path: '/v1/admin/api-keys',
  tags: ['Keys'],
  summary: 'Make an API key',
  description: `The key is shown once, here; only its SHA-256 is kept. It works in this store only. A key cannot give scopes that its maker lacks (403). At most ${API_KEYS_MAX} keys a store.`,
  security: bearer('keys:write'),
  middleware: [requireScope('keys:write'), jsonBody(true)] as const,
  request: { headers: idempotencyHeader.optional, body: body(newApiKeySchema) },
  responses: {
    201: json('The key', shownApiKeySchema),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_invalid',
      'unauthorized',
      'scope_missing',
      'store_not_found',
      'limit_reached',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
    ),
  },
})
authRoutes.openapi(post, async (c) => {
  const stamp = await optionalStamp(c)
  const { slug } = c.get('store').ref
  const outcome = await makeKey(c.env, slug, c.get('credential'), c.req.valid('json'), stamp)
  if (!outcome.ok) return replyRefusal(c, outcome) as never
  const headers = outcome.isReplay ? REPLAYED_HEADER : {}
  return c.json({ ...presentKey(outcome.key), key: outcome.secret }, 201, headers)
})

const list = createRoute({
  method: 'get',
  path: '/v1/admin/api-keys',
  tags: ['Keys'],
  summary: 'List the API keys',
  description: 'Newest first, up to 100 a page. Never the keys themselves.',
  security: bearer('keys:write'),
  middleware: [requireScope('keys:write')] as const,
  request: { query: z.object(pageQuery) },
  responses: {
    200: json('A page', pageOf(apiKeySchema)),
    ...problems('malformed_request', 'cursor_invalid', 'unauthorized', 'scope_missing', 'store_not_found'),
  },
})
authRoutes.openapi(list, async (c) => {
  const { limit, cursor } = c.req.valid('query')
  const before = cursor === undefined ? AFTER_ALL : decodeCursor(cursor, ['string'] as const)[0]
  const found = await selectKeyPage(c.env.CATALOGUE, c.get('store').ref.slug, before, limit + 1)
  const items = found.slice(0, limit).map(presentKey)
  const nextCursor = found.length > limit ? encodeCursor([items.at(-1)!.id]) : null
  linkNext(c, nextCursor)
  return c.json({ items, nextCursor }, 200)
})

const remove = createRoute({
  method: 'delete',
  path: '/v1/admin/api-keys/{id}',
  tags: ['Keys'],
  summary: 'Revoke an API key',
  description: '204 also when it is not there. Refused everywhere within 5 seconds.',
  security: bearer('keys:write'),
  middleware: [requireScope('keys:write')] as const,
  request: { params: z.object({ id: z.string() }) },
  responses: {
    204: { description: 'It is not there' },
    ...problems('unauthorized', 'scope_missing', 'store_not_found'),
  },
})
authRoutes.openapi(remove, async (c) => {
  const { slug } = c.get('store').ref
  const { id } = c.req.valid('param')
  await deleteKey(c.env.CATALOGUE, slug, id)
  forgetKey(slug, id)
  return c.body(null, 204)
})

function presentKey({ id, name, scopes, createdAt }: ApiKey) {
  return { id, name, scopes, createdAt: toIso(createdAt) }
}
