import { createRoute, z } from '@hono/zod-openapi'
import {
  BATCH_MAX,
  levelsOnWire,
  levelsSchema,
  movementSchema,
  newBatchSchema,
} from '../../schema/http/stock.ts'
import { PROBLEMS } from '../../schema/problems.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problemSchema, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { keptRequestId } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { RETRY_AFTER_SECONDS, refusalBody, replyRefusal } from '../http/problem.ts'
import { moveBatch, type Verdict } from './move-batch.ts'

export const batchRoute = newRoutes()

/** 2 MiB: 250 movements with every text as long as it may be and escaped are 1.2 MB. */
const BATCH_BYTES_MAX = 2 * 1024 * 1024

const verdictSchema = z
  .object({
    item: z.string(),
    status: z.int().openapi({ description: '201, or the status of the problem: 404, 409, 503' }),
    movement: movementSchema.optional(),
    levels: levelsSchema.optional(),
    problem: problemSchema.optional(),
  })
  .openapi('StockBatchVerdict')

const batch = createRoute({
  method: 'post',
  path: '/v1/admin/stock/batch',
  tags: ['Stock'],
  security: bearer('stock:write'),
  summary: 'Move goods of many items',
  description: `Up to ${BATCH_MAX} movements, each for itself and those of one item in their order; a verdict for each, in the order of the request, so the answer is always 200. Each is carried out once for each Idempotency-Key: while a verdict is 503 (see Retry-After), or when the request was cut, the same request finishes what is left. At most 2 MiB. Needs \`stock:write\`.`,
  middleware: [requireScope('stock:write'), jsonBody(true, BATCH_BYTES_MAX)] as const,
  request: { headers: idempotencyHeader.required, body: body(newBatchSchema) },
  responses: {
    200: json('A verdict for each movement', z.object({ items: z.array(verdictSchema) })),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_missing',
      'idempotency_key_invalid',
      'unauthorized',
      'scope_missing',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'unavailable',
    ),
  },
})

batchRoute.openapi(batch, async (c) => {
  const idempotency = await requiredStamp(c)
  const by = { actor: c.get('credential').id, idempotency }
  const moved = await moveBatch(c.env, c.get('store'), c.req.valid('json').movements, by)
  if (!moved.ok) return replyRefusal(c, moved)
  // One request however often it is repeated, so that its problems are the same bytes each time.
  const requestId = keptRequestId(idempotency)
  c.set('requestId', requestId)
  const items = moved.verdicts.map((verdict) => onTheWire(verdict, requestId))
  const isCut = items.some(({ status }) => status === 503)
  return c.json({ items }, 200, {
    ...(moved.isReplay && REPLAYED_HEADER),
    ...(isCut && { 'Retry-After': String(RETRY_AFTER_SECONDS) }),
  })
})

function onTheWire({ item, outcome }: Verdict, requestId: string): z.infer<typeof verdictSchema> {
  if (!outcome.ok) {
    return { item, status: PROBLEMS[outcome.code].status, problem: refusalBody(outcome, requestId) }
  }
  return { item, status: 201, movement: outcome.movement, levels: levelsOnWire(outcome.levels) }
}
