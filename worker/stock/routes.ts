import { createRoute, z } from '@hono/zod-openapi'
import {
  BANDS,
  levelsOnWire,
  levelsSchema,
  movementSchema,
  newMovementSchema,
  policySchema,
  stockItemSchema,
} from '../../schema/http/stock.ts'
import { handleSchema, skuSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { listStock } from './list-stock.ts'
import { moveStock } from './move-stock.ts'
import { readMovements, readStock } from './read-stock.ts'
import { setPolicy } from './set-policy.ts'

export const stockRoutes = newRoutes()

const tags = ['Stock']
const itemParam = z.object({ item: skuSchema })

const list = createRoute({
  method: 'get',
  path: '/v1/admin/stock',
  tags,
  security: bearer('stock:read'),
  summary: 'List stock items with their levels',
  description:
    'From the record, which follows the items within moments, in item order; at most 100 a page. `location` narrows to items that have a position there and adds what they have there. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: {
    query: z.object({
      ...pageQuery,
      location: handleSchema.optional(),
      status: z.enum(BANDS).optional(),
    }),
  },
  responses: {
    200: json('A page of items', pageOf(stockItemSchema)),
    ...problems('malformed_request', 'cursor_invalid', 'unauthorized', 'scope_missing', 'unavailable'),
  },
})

stockRoutes.openapi(list, async (c) => {
  const { cursor, ...query } = c.req.valid('query')
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'] as const)[0]
  const { location, status, limit } = query
  const page = await listStock(c.env, c.get('store'), { after, limit, location, status })
  if (!page.ok) return replyRefusal(c, page)
  const nextCursor = page.next === null ? null : encodeCursor([page.next])
  linkNext(c, nextCursor)
  return c.json({ items: page.items, nextCursor }, 200)
})

const read = createRoute({
  method: 'get',
  path: '/v1/admin/stock/{item}',
  tags,
  security: bearer('stock:read'),
  summary: 'Read the levels of an item',
  description:
    'From its owner, so never behind; holds past their end count as over. `available` leaves backorder out. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: { params: itemParam },
  responses: {
    200: json('Levels, positions and policy', levelsSchema.extend({ policy: policySchema })),
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'item_not_found', 'unavailable'),
  },
})

stockRoutes.openapi(read, async (c) => {
  const found = await readStock(c.env, c.get('store'), c.req.valid('param').item)
  return found.ok ? c.json(found.body, 200) : replyRefusal(c, found)
})

const policy = createRoute({
  method: 'put',
  path: '/v1/admin/stock/{item}/policy',
  tags,
  security: bearer('stock:write'),
  summary: 'Set the policy of an item',
  description:
    'Sets all of it: members that are absent take their default. An item that was not known is made. Quantities up to 1,000,000,000. Promises already made stay. `positions` shows those that keep units safe. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { params: itemParam, body: body(policySchema) },
  responses: {
    200: json(
      'The policy, with the levels it leads to',
      z.object({ ...policySchema.shape, levels: levelsSchema }),
    ),
    ...problems(
      'malformed_request',
      'malformed_json',
      'unauthorized',
      'scope_missing',
      'location_not_found',
      'stock_conflict',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ),
  },
})

stockRoutes.openapi(policy, async (c) => {
  const { item } = c.req.valid('param')
  const set = await setPolicy(c.env, c.get('store'), item, c.req.valid('json'))
  return set.ok ? c.json(set.body, 200) : replyRefusal(c, set)
})

const move = createRoute({
  method: 'post',
  path: '/v1/admin/stock/{item}/movements',
  tags,
  security: bearer('stock:write'),
  summary: 'Receive, adjust, count or take back goods',
  description:
    'Answered once for each Idempotency-Key. `stock_conflict` says what was found: fewer on hand than are taken away, another figure than `expectedOnHand`, another sell-by date at the position, or (reasons `found` and `quality_release`) units that are promised. Other reasons may take promised goods away: then fewer are on hand than are promised, and `available` is 0. A `receive` under the reference of an arrival counts that down; a `return` says whether the goods are on hand again, and whether its order exists is not asked here. An item that was not known is made. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { params: itemParam, headers: idempotencyHeader.required, body: body(newMovementSchema) },
  responses: {
    201: json(
      'The ledger row and the levels after it',
      z.object({ movement: movementSchema, levels: levelsSchema }),
    ),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_missing',
      'idempotency_key_invalid',
      'unauthorized',
      'scope_missing',
      'location_not_found',
      'stock_conflict',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'unavailable',
    ),
  },
})

stockRoutes.openapi(move, async (c) => {
  const idempotency = await requiredStamp(c)
  const by = { actor: c.get('credential').id, idempotency }
  const { item } = c.req.valid('param')
  const moved = await moveStock(c.env, c.get('store'), item, c.req.valid('json'), by)
  if (!moved.ok) return replyKept(c, moved, idempotency)
  const answer = { movement: moved.movement, levels: levelsOnWire(moved.levels) }
  return c.json(answer, 201, moved.isReplay ? REPLAYED_HEADER : {})
})

const movements = createRoute({
  method: 'get',
  path: '/v1/admin/stock/{item}/movements',
  tags,
  security: bearer('stock:read'),
  summary: "Read an item's ledger, newest first",
  description:
    'All of them, however old. The sum of the deltas over all movements is the present state of each position. At most 100 a page. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: { params: itemParam, query: z.object(pageQuery) },
  responses: {
    200: json('A page of movements', pageOf(movementSchema)),
    ...problems(
      'malformed_request',
      'cursor_invalid',
      'unauthorized',
      'scope_missing',
      'item_not_found',
      'unavailable',
    ),
  },
})

stockRoutes.openapi(movements, async (c) => {
  const { limit, cursor } = c.req.valid('query')
  const before = cursor === undefined ? null : decodeCursor(cursor, ['number'] as const)[0]
  const page = await readMovements(c.env, c.get('store'), c.req.valid('param').item, { before, limit })
  if (!page.ok) return replyRefusal(c, page)
  const nextCursor = page.next === null ? null : encodeCursor([page.next])
  linkNext(c, nextCursor)
  return c.json({ items: page.items, nextCursor }, 200)
})
