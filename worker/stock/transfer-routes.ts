import { createRoute, z } from '@hono/zod-openapi'
import { newReceiptSchema, newTransferSchema, TRANSFER_STATUSES } from '../../schema/http/transfer.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { decodeCursor, encodeCursor, linkNext, pageOf, pageQuery } from '../http/paging.ts'
import { replyRefusal } from '../http/problem.ts'
import { createTransfer } from './create-transfer.ts'
import { readTransfer, readTransfers } from './read-transfer.ts'
import { receiveTransfer } from './receive-transfer.ts'
import { receiptVerdictSchema, transferSchema } from './transfer-on-the-wire.ts'

export const transferRoutes = newRoutes()

const tags = ['Stock']
const PATH = '/v1/admin/transfers'
const params = z.object({ id: z.string() })
const WITH_BODY_AND_KEY = [
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
] as const

/** Sorts after every id: a page without a cursor begins with the newest. */
const NEWEST = '~'

const create = createRoute({
  method: 'post',
  path: PATH,
  tags,
  security: bearer('stock:write'),
  summary: 'Send goods to another location',
  description:
    'The goods leave `from` at once and are an arrival at `to` until they are received there; the sell-by date of a lot goes along. Only goods that nobody was promised can be sent. Each line is sent or refused for itself, and a refused one says why; when all are refused the answer is `stock_conflict` with the `lines`, and there is no transfer. Answered once for each Idempotency-Key; after `unavailable` the same request goes on where it stopped. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { headers: idempotencyHeader.required, body: body(newTransferSchema) },
  responses: {
    201: json('The transfer', transferSchema),
    ...problems(...WITH_BODY_AND_KEY, 'request_in_progress'),
  },
})

transferRoutes.openapi(create, async (c) => {
  const idempotency = await requiredStamp(c)
  const by = { actor: c.get('credential').id, idempotency }
  const created = await createTransfer(c.env, c.get('store'), c.req.valid('json'), by)
  if (!created.ok) return replyKept(c, created, idempotency)
  return c.json(created.transfer, 201, created.isReplay ? REPLAYED_HEADER : {})
})

const list = createRoute({
  method: 'get',
  path: PATH,
  tags,
  security: bearer('stock:read'),
  summary: 'List transfers, newest first',
  description:
    'From the record: a receipt that was cut half-way shows after it was repeated or the transfer was read by its id. At most 100 a page. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: { query: z.object({ ...pageQuery, status: z.enum(TRANSFER_STATUSES).optional() }) },
  responses: {
    200: json('A page of transfers', pageOf(transferSchema)),
    ...problems('malformed_request', 'cursor_invalid', 'unauthorized', 'scope_missing', 'unavailable'),
  },
})

transferRoutes.openapi(list, async (c) => {
  const { limit, cursor, status = null } = c.req.valid('query')
  const before = cursor === undefined ? NEWEST : decodeCursor(cursor, ['string'] as const)[0]
  const page = await readTransfers(c.env, c.get('store'), { before, limit, status })
  if (!page.ok) return replyRefusal(c, page)
  const nextCursor = page.next === null ? null : encodeCursor([page.next])
  linkNext(c, nextCursor)
  return c.json({ items: page.items, nextCursor }, 200)
})

const read = createRoute({
  method: 'get',
  path: `${PATH}/{id}`,
  tags,
  security: bearer('stock:read'),
  summary: 'Read a transfer',
  description:
    'What is in transit comes from the items themselves, so it is never behind. Needs `stock:read`.',
  middleware: [requireScope('stock:read')] as const,
  request: { params },
  responses: {
    200: json('The transfer', transferSchema),
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'transfer_not_found', 'unavailable'),
  },
})

transferRoutes.openapi(read, async (c) => {
  const found = await readTransfer(c.env, c.get('store'), c.req.valid('param').id, c.get('requestId'))
  return found.ok ? c.json(found.transfer, 200) : replyRefusal(c, found)
})

const receive = createRoute({
  method: 'post',
  path: `${PATH}/{id}/receipts`,
  tags,
  security: bearer('stock:write'),
  summary: 'Receive goods of a transfer',
  description:
    'In parts if need be: `quantity` is on hand at the destination now, `missing` is given up for lost. Each line is taken or refused for itself; more than is in transit is `stock_conflict`, and when all are refused that is the answer, with the `lines`. Answered once for each Idempotency-Key; after `unavailable` the same request goes on where it stopped. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { params, headers: idempotencyHeader.required, body: body(newReceiptSchema) },
  responses: {
    201: json(
      'The transfer after the receipt, with what became of its lines',
      transferSchema
        .extend({ receipt: z.object({ lines: z.array(receiptVerdictSchema) }) })
        .openapi('ReceivedTransfer'),
    ),
    ...problems(...WITH_BODY_AND_KEY, 'transfer_not_found'),
  },
})

transferRoutes.openapi(receive, async (c) => {
  const idempotency = await requiredStamp(c)
  const by = { actor: c.get('credential').id, idempotency }
  const { id } = c.req.valid('param')
  const received = await receiveTransfer(c.env, c.get('store'), id, c.req.valid('json'), by)
  if (!received.ok) return replyKept(c, received, idempotency)
  return c.json(received.transfer, 201, received.isReplay ? REPLAYED_HEADER : {})
})
