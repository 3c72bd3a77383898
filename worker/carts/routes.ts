import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Cart } from '../../schema/http/cart.ts'
import { cartPatchSchema, cartSchema, newCartSchema, putLineSchema } from '../../schema/http/cart.ts'
import { moneySchema } from '../../schema/money.ts'
import type { Outcome } from '../../schema/outcome.ts'
import { skuSchema } from '../../schema/quantity.ts'
import type { AppEnv } from '../http/app-env.ts'
import { body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { optionalStamp, REPLAYED_HEADER } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { replyRefusal } from '../http/problem.ts'
import { createCart } from './create-cart.ts'
import { askCart } from './purchase-call.ts'
import { putLine, removeLine } from './put-line.ts'
import { shippingMethods } from './shipping-methods.ts'
import { updateCart } from './update-cart.ts'

export const cartsRoutes = newRoutes()

const tags = ['Carts']
const cartParam = z.object({
  cartId: z.string().openapi({ description: 'The id is the right to use the cart: keep it secret.' }),
})
const lineParam = cartParam.extend({ sku: skuSchema })
const theCart = json('The whole cart', cartSchema)

const create = createRoute({
  method: 'post',
  path: '/v1/carts',
  tags,
  summary: 'Make a cart',
  description:
    'Takes all that PATCH takes and up to 1,000 lines; repeated SKUs are summed and everything is held, or nothing is and there is no cart. With an Idempotency-Key (22 characters or more) the same request may be repeated.',
  middleware: [jsonBody(false)] as const,
  request: {
    query: z.object({ market: z.string().optional(), locale: cartPatchSchema.shape.locale }),
    headers: idempotencyHeader.optional,
    body: { ...body(newCartSchema), required: false },
  },
  responses: {
    201: json('The cart; `Location` names it', cartSchema),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_invalid',
      'store_not_found',
      'market_not_found',
      'sku_not_found',
      'shipping_method_not_found',
      'insufficient_stock',
      'not_on_sale',
      'quantity_limit_exceeded',
      'customer_limit_exceeded',
      'cart_full',
      'currency_not_in_market',
      'country_not_in_market',
      'shipping_method_unavailable',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'unavailable',
    ),
  },
})

cartsRoutes.openapi(create, async (c) => {
  const { market, locale } = c.req.valid('query')
  const idempotency = await optionalStamp(c)
  const made = await createCart(c.env, c.get('store'), {
    body: c.req.valid('json'),
    market,
    locale,
    idempotency,
  })
  if (!made.ok) return idempotency ? replyKept(c, made, idempotency) : replyRefusal(c, made)
  return c.json(made.cart, 201, {
    Location: `/v1/carts/${made.cart.id}`,
    ...(made.isReplay && REPLAYED_HEADER),
  })
})

const read = createRoute({
  method: 'get',
  path: '/v1/carts/{cartId}',
  tags,
  summary: 'Read a cart',
  description:
    'A line whose hold ended stays, shows `expired` and has a notice. Once completed, `order` names the order.',
  request: { params: cartParam },
  responses: { 200: theCart, ...problems('cart_not_found', 'unavailable') },
})

cartsRoutes.openapi(read, async (c) => {
  const { cartId } = c.req.valid('param')
  return replyCart(
    c,
    await askCart(c.env, c.get('store'), cartId, (purchase, { secret }) => purchase.cart({ secret })),
  )
})

const update = createRoute({
  method: 'patch',
  path: '/v1/carts/{cartId}',
  tags,
  summary: 'Change contact, addresses, shipping, market, locale, note or metadata',
  description:
    'Members that are absent stay as they are; null clears one. Another market brings its prices to every line. A contact with an email takes what its customer may still have of SKUs with `maxPerCustomer`; where the cart wants more, nothing changes.',
  middleware: [jsonBody(true)] as const,
  request: { params: cartParam, body: body(cartPatchSchema) },
  responses: {
    200: theCart,
    ...problems(
      'malformed_request',
      'malformed_json',
      'cart_not_found',
      'market_not_found',
      'shipping_method_not_found',
      'insufficient_stock',
      'not_on_sale',
      'customer_limit_exceeded',
      'discount_unavailable',
      'country_not_in_market',
      'currency_not_in_market',
      'shipping_method_unavailable',
      'cart_full',
      'cart_closed',
      'checkout_in_progress',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ),
  },
})

cartsRoutes.openapi(update, async (c) =>
  replyCart(c, await updateCart(c.env, c.get('store'), c.req.valid('param').cartId, c.req.valid('json'))),
)

const put = createRoute({
  method: 'put',
  path: '/v1/carts/{cartId}/lines/{sku}',
  tags,
  summary: 'Set a line and its hold',
  description:
    'Sets the quantity, does not add to it; 0 removes the line. A refusal changes nothing. An unchanged quantity does not prolong a live hold; an expired one is held again. The SKU is percent-encoded.',
  middleware: [jsonBody(true)] as const,
  request: { params: lineParam, body: body(putLineSchema) },
  responses: {
    200: theCart,
    ...problems(
      'malformed_request',
      'malformed_json',
      'cart_not_found',
      'market_not_found',
      'sku_not_found',
      'insufficient_stock',
      'not_on_sale',
      'quantity_limit_exceeded',
      'customer_limit_exceeded',
      'currency_not_in_market',
      'cart_full',
      'cart_closed',
      'checkout_in_progress',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ),
  },
})

cartsRoutes.openapi(put, async (c) => {
  const { cartId, sku } = c.req.valid('param')
  return replyCart(c, await putLine(c.env, c.get('store'), cartId, { sku, ...c.req.valid('json') }))
})

const remove = createRoute({
  method: 'delete',
  path: '/v1/carts/{cartId}/lines/{sku}',
  tags,
  summary: 'Remove a line and release its hold',
  description: 'Answers the whole cart, also when there was no such line.',
  request: { params: lineParam },
  responses: {
    200: theCart,
    ...problems('malformed_request', 'cart_not_found', 'cart_closed', 'checkout_in_progress', 'unavailable'),
  },
})

cartsRoutes.openapi(remove, async (c) => {
  const { cartId, sku } = c.req.valid('param')
  return replyCart(c, await removeLine(c.env, c.get('store'), cartId, sku))
})

const methods = createRoute({
  method: 'get',
  path: '/v1/carts/{cartId}/shipping-methods',
  tags,
  summary: "List the shipping methods that the cart's address allows",
  description:
    'Before there is a shipping address: all methods of the market. At most the methods of one market, so not paged.',
  request: { params: cartParam },
  responses: {
    200: json(
      'The methods',
      z.object({ items: z.array(z.object({ code: z.string(), title: z.string(), price: moneySchema })) }),
    ),
    ...problems('cart_not_found', 'market_not_found', 'unavailable'),
  },
})

cartsRoutes.openapi(methods, async (c) => {
  const offered = await shippingMethods(c.env, c.get('store'), c.req.valid('param').cartId)
  return offered.ok ? c.json({ items: offered.items }, 200) : replyRefusal(c, offered)
})

const abandon = createRoute({
  method: 'delete',
  path: '/v1/carts/{cartId}',
  tags,
  summary: 'Abandon a cart',
  description:
    'Releases everything it holds. May be repeated. A cart that became an order cannot be abandoned.',
  request: { params: cartParam },
  responses: {
    204: { description: 'Abandoned' },
    ...problems('cart_not_found', 'cart_closed', 'checkout_in_progress', 'unavailable'),
  },
})

cartsRoutes.openapi(abandon, async (c) => {
  const { cartId } = c.req.valid('param')
  const done = await askCart(c.env, c.get('store'), cartId, (purchase, access) => purchase.abandon(access))
  return done.ok ? c.body(null, 204) : replyRefusal(c, done)
})

function replyCart(c: Context<AppEnv>, outcome: Outcome<{ cart: Cart }>) {
  return outcome.ok ? c.json(outcome.cart, 200) : replyRefusal(c, outcome)
}
