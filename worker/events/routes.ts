import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { authenticate } from '../auth/authenticate.ts'
import { requireScope } from '../auth/require-scope.ts'
import type { AppEnv } from '../http/app-env.ts'
import { bearer, json, problems } from '../http/describe.ts'
import { newRoutes } from '../http/new-routes.ts'
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../http/paging.ts'
import { subjectFilterSchema, subjectToRead, typeFilterSchema, typesToRead } from './event-filter.ts'
import { eventOnTheWire, eventSchema } from './event-on-the-wire.ts'
import type { FeedQuery } from './log-store.ts'
import { streamEvents } from './stream-events.ts'
import { waitForEvents } from './wait-for-events.ts'

/** 30 s: below the idle limits of common proxies and clients. */
const WAIT_SECONDS_MAX = 30

const positionSchema = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const filters = {
  after: positionSchema.optional().openapi({ description: 'Exclusive. Absent: from the oldest.' }),
  type: typeFilterSchema.optional(),
  subject: subjectFilterSchema.optional(),
}

const readRoute = createRoute({
  method: 'get',
  path: '/v1/events',
  tags: ['Events'],
  summary: 'Read the event log',
  description:
    'The log of the store in order. Go on with `after={nextAfter}`; `nextAfter` moves past what did not match, and a page may ' +
    'hold fewer than `limit` before the end, since each request looks at 2,000 events at most. `wait` keeps the request ' +
    'open up to so many seconds until something matches. Needs `events:read`; shows only events whose room the key may ' +
    'read (`order.*` needs `orders:read`, and so on). An event can be seen once it is committed; each subject comes in order, with no gap.',
  security: bearer('events:read'),
  middleware: [requireScope('events:read')] as const,
  request: {
    query: z.object({
      ...filters,
      limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
      wait: z.coerce.number().min(0).max(WAIT_SECONDS_MAX).default(0),
    }),
  },
  responses: {
    200: json('The next events', z.object({ items: z.array(eventSchema), nextAfter: z.int() })),
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'store_not_found'),
  },
})

const streamRoute = createRoute({
  method: 'get',
  path: '/v1/events/stream',
  tags: ['Events'],
  summary: 'Follow the event log as server-sent events',
  description:
    '`id` is the position, `event` the type, `data` the event as JSON. Resumes after `Last-Event-ID`, else after `after`, else from ' +
    'the oldest. A comment comes every 15 s at most; the stream ends by itself after some minutes and the client connects again. ' +
    'Filters and visibility as for `GET /v1/events`.',
  security: bearer('events:read'),
  middleware: [requireScope('events:read')] as const,
  request: {
    query: z.object(filters),
    headers: z.object({ 'last-event-id': positionSchema.optional() }),
  },
  responses: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'store_not_found'),
  },
})

export const eventsRoutes = newRoutes()

eventsRoutes.openapi(readRoute, async (c) => {
  const { limit, wait, ...filter } = c.req.valid('query')
  const page = await waitForEvents(c.env, queryOf(c, filter, limit), wait, c.req.raw.signal)
  return c.json({ items: page.items.map(eventOnTheWire), nextAfter: page.nextAfter }, 200)
})

eventsRoutes.openapi(streamRoute, (c) => {
  const filter = c.req.valid('query')
  const after = c.req.valid('header')['last-event-id'] ?? filter.after
  const query = queryOf(c, { ...filter, after }, PAGE_LIMIT_MAX)
  const mayGoOn = async () => (await authenticate(c.env, query.store, c.req.header('Authorization'))) !== null
  return streamSSE(c, (stream) => streamEvents(c.env, query, stream, mayGoOn)) as never
})

function queryOf(
  c: Context<AppEnv>,
  filter: { after?: number; type?: string; subject?: string },
  limit: number,
): FeedQuery {
  return {
    store: c.get('store').ref.slug,
    after: filter.after ?? 0,
    types: typesToRead(filter.type, c.get('credential').scopes),
    subject: subjectToRead(filter.subject),
    limit,
  }
}
