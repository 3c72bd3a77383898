import { createRoute, z } from '@hono/zod-openapi'
import { auditSchema, newDeallocationSchema } from '../../schema/http/audit.ts'
import { levelsOnWire, levelsSchema, movementSchema } from '../../schema/http/stock.ts'
import { skuSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageQuery } from '../http/paging.ts'
import { Problem, replyRefusal } from '../http/problem.ts'
import { auditItem } from './audit-item.ts'
import { deallocatePhantom } from './deallocate-phantom.ts'

/** What staff can do about stock and orders that do not agree. */
export const reconcileRoutes = newRoutes()

const tags = ['Stock']
const itemParam = z.object({ item: skuSchema })

const audit = createRoute({
  method: 'get',
  path: '/v1/admin/stock/{item}/audit',
  tags,
  security: bearer('stock:read'),
  summary: 'Audit an item',
  description:
    'Recomputes every counter from the ledger and from the reservations, and compares what the item has allocated with the orders, and its row in the consolidated list with the item. Purchases that are just changing are excepted. What is recorded wrongly is written again; the ledger is never touched, and drift is told once by `stock.drift_detected`. All items are audited in turn without being asked. An item with many open orders is audited in pages; the first has the counters and the record. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: { params: itemParam, query: z.object({ cursor: pageQuery.cursor }) },
  responses: {
    200: json('What was found', auditSchema),
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

reconcileRoutes.openapi(audit, async (c) => {
  const { cursor } = c.req.valid('query')
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'] as const)[0]
  if (!/^[0-9a-z]{0,28}$/.test(after)) throw new Problem('cursor_invalid')
  const done = await auditItem(c.env, c.get('store'), c.req.valid('param').item, after)
  if (!done.ok) return replyRefusal(c, done)
  const nextCursor = done.next === null ? null : encodeCursor([done.next])
  linkNext(c, nextCursor)
  return c.json({ ...done.audit, nextCursor }, 200)
})

const deallocate = createRoute({
  method: 'post',
  path: '/v1/admin/stock/{item}/deallocations',
  tags,
  security: bearer('stock:write'),
  summary: 'Give back units that no order has',
  description:
    'The way out of an `allocation_without_order` that an audit found. Refused as `stock_conflict` unless the order itself says that it does not have these units, so it takes nothing from an order that has them: cancel that instead. `checkout_in_progress`: its purchase is just changing. Answered once for each Idempotency-Key. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { params: itemParam, headers: idempotencyHeader.required, body: body(newDeallocationSchema) },
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
      'item_not_found',
      'stock_conflict',
      'checkout_in_progress',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'unavailable',
    ),
  },
})

reconcileRoutes.openapi(deallocate, async (c) => {
  const idempotency = await requiredStamp(c)
  const by = { actor: c.get('credential').id, idempotency }
  const { item } = c.req.valid('param')
  const done = await deallocatePhantom(c.env, c.get('store'), item, c.req.valid('json'), by)
  if (!done.ok) return replyKept(c, done, idempotency)
  const answer = { movement: done.movement, levels: levelsOnWire(done.levels) }
  return c.json(answer, 201, done.isReplay ? REPLAYED_HEADER : {})
})
