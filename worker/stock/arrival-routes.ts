import { createRoute, z } from '@hono/zod-openapi'
import { arrivalReferenceSchema, levelsSchema, newArrivalSchema } from '../../schema/http/stock.ts'
import { skuSchema } from '../../schema/quantity.ts'
import { requireScope } from '../auth/require-scope.ts'
import { bearer, body, json, problems } from '../http/describe.ts'
import { jsonBody } from '../http/json-body.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { removeArrival, setArrival } from './set-arrival.ts'

export const arrivalRoutes = newRoutes()

const tags = ['Stock']
const PATH = '/v1/admin/stock/{item}/incoming/{reference}'
const params = z.object({ item: skuSchema, reference: arrivalReferenceSchema })

const put = createRoute({
  method: 'put',
  path: PATH,
  tags,
  security: bearer('stock:write'),
  summary: 'Set what a supplier will bring',
  description:
    'Under the number of its document, for one location; what is still to come, not what was ordered. It is `incoming`, neither on hand nor available. A movement `receive` with this `reference` at this location counts it down. `stock_conflict` when the item has as many arrivals as it may. Needs `stock:write`.',
  middleware: [requireScope('stock:write'), jsonBody(true)] as const,
  request: { params, body: body(newArrivalSchema) },
  responses: {
    200: json(
      'What is expected, with the levels it leads to',
      z.object({
        reference: z.string(),
        location: z.string(),
        lot: z.string(),
        quantity: z.int(),
        expectedAt: z.string().nullable(),
        levels: levelsSchema,
      }),
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

arrivalRoutes.openapi(put, async (c) => {
  const { item, reference } = c.req.valid('param')
  const set = await setArrival(c.env, c.get('store'), item, reference, c.req.valid('json'))
  return set.ok ? c.json(set.body, 200) : replyRefusal(c, set)
})

const remove = createRoute({
  method: 'delete',
  path: PATH,
  tags,
  security: bearer('stock:write'),
  summary: 'Expect no more of a document',
  description: '204 also when nothing is expected under it. Needs `stock:write`.',
  middleware: [requireScope('stock:write')] as const,
  request: { params },
  responses: {
    204: { description: 'Nothing is expected under it' },
    ...problems('malformed_request', 'unauthorized', 'scope_missing', 'unavailable'),
  },
})

arrivalRoutes.openapi(remove, async (c) => {
  const { item, reference } = c.req.valid('param')
  const removed = await removeArrival(c.env, c.get('store'), item, reference)
  return removed.ok ? c.body(null, 204) : replyRefusal(c, removed)
})
