import { createRoute, z } from '@hono/zod-openapi'
import { cartSchema } from '../../schema/http/cart.ts'
import { discountCodeSchema } from '../../schema/http/discount.ts'
import { json, problems } from '../http/describe.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { applyDiscount, removeDiscount } from './apply-discount.ts'

export const discountRoutes = newRoutes()

const common = {
  path: '/v1/carts/{cartId}/discounts/{code}',
  tags: ['Carts'],
  request: { params: z.object({ cartId: z.string(), code: discountCodeSchema }) },
}
const theCart = json('The whole cart', cartSchema)

const put = createRoute({
  ...common,
  method: 'put',
  summary: 'Apply a discount code',
  description:
    'A code that the cart does not fit now (its minimum, market or lines) stays on the cart and gives nothing until it does: its amount is 0, and a notice `discount_not_applied` says why. 409 discount_unavailable, with `reason`, when it cannot be used at all: `used_up`, `used_by_customer`, `not_started`, `ended`, or `not_combinable` with one that is on the cart (`with`); then nothing changes. A counted use is held with the lines and taken by the order. The discounts that take off most are given: all that combine together, or one alone.',
  responses: {
    200: theCart,
    ...problems(
      'malformed_request',
      'cart_not_found',
      'discount_not_found',
      'discount_unavailable',
      'cart_full',
      'cart_closed',
      'checkout_in_progress',
      'unavailable',
    ),
  },
})
discountRoutes.openapi(put, async (c) => {
  const { cartId, code } = c.req.valid('param')
  const outcome = await applyDiscount(c.env, c.get('store'), cartId, code)
  return outcome.ok ? c.json(outcome.cart, 200) : replyRefusal(c, outcome)
})

const remove = createRoute({
  ...common,
  method: 'delete',
  summary: 'Remove a discount code',
  description: 'Answers the whole cart, also when there was no such code. What is given by itself stays.',
  responses: {
    200: theCart,
    ...problems('malformed_request', 'cart_not_found', 'cart_closed', 'checkout_in_progress', 'unavailable'),
  },
})
discountRoutes.openapi(remove, async (c) => {
  const { cartId, code } = c.req.valid('param')
  const outcome = await removeDiscount(c.env, c.get('store'), cartId, code)
  return outcome.ok ? c.json(outcome.cart, 200) : replyRefusal(c, outcome)
})
