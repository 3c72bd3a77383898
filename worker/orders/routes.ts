import { createRoute, z } from '@hono/zod-openapi'
import { orderSchema } from '../../schema/http/order.ts'
import { json, problems } from '../http/describe.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { orderEtag } from './order-version.ts'
import { readOrderByToken } from './read-order.ts'

/** What the shopper may do with an order. */
export const ordersRoutes = newRoutes()

const tokenSchema = z.string().optional()

const read = createRoute({
  method: 'get',
  path: '/v1/orders/{orderId}',
  tags: ['Orders'],
  summary: 'Read an order by its token',
  description:
    'The token comes with the checkout and stands on the completed cart. In the header `Order-Token`, or in `?token=` for links in mails. Without the right one there is no such order.',
  request: {
    params: z.object({ orderId: z.string() }),
    query: z.object({ token: tokenSchema }),
    headers: z.object({ 'order-token': tokenSchema }),
  },
  responses: {
    200: json('The order, without its token', orderSchema.omit({ token: true }).openapi('OrderWithoutToken')),
    ...problems('malformed_request', 'order_not_found', 'unavailable'),
  },
})

ordersRoutes.openapi(read, async (c) => {
  const token = c.req.valid('header')['order-token'] ?? c.req.valid('query').token
  const found = await readOrderByToken(c.env, c.get('store'), c.req.valid('param').orderId, token)
  if (!found.ok) return replyRefusal(c, found)
  return c.json(found.order, 200, { ETag: orderEtag(found.order), 'Cache-Control': 'no-store' })
})
