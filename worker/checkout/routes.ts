import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { checkoutSchema, requiresActionSchema } from '../../schema/http/cart.ts'
import { orderSchema } from '../../schema/http/order.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { AppEnv } from '../http/app-env.ts'
import { body, idempotencyHeader, json, problems } from '../http/describe.ts'
import { REPLAYED_HEADER, requiredStamp } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { replyKept } from '../http/kept-answer.ts'
import { newRoutes } from '../http/new-routes.ts'
import { Problem } from '../http/problem.ts'
import { providerOf } from '../payments/providers.ts'
import { type CheckoutReply, checkOut } from './check-out.ts'

export const checkoutRoutes = newRoutes()

const checkout = createRoute({
  method: 'post',
  path: '/v1/carts/{cartId}/checkout',
  tags: ['Checkout'],
  summary: 'Pay for the cart and place its order',
  description:
    'Prices are read anew, every item is held, the payment authorized, all stock allocated, then the order is written. One cart gives one order, whatever is repeated, lost or run at the same time. With `expectedTotal`, another total is refused before anything is charged. 2xx, 402 and 409 are kept under the Idempotency-Key (22 characters or more) for 7 days; after a 503 the same key may be used again.',
  middleware: [jsonBody(true)] as const,
  request: {
    params: z.object({ cartId: z.string() }),
    headers: idempotencyHeader.required,
    body: body(checkoutSchema),
  },
  responses: {
    201: json('The order, with the token that reads it; `Location` names it', orderSchema),
    202: json(
      'The shopper has to act at the provider first; send them to `action.url`',
      requiresActionSchema,
    ),
    ...problems(
      'malformed_request',
      'malformed_json',
      'idempotency_key_missing',
      'idempotency_key_invalid',
      'payment_declined',
      'cart_not_found',
      'insufficient_stock',
      'not_on_sale',
      'quantity_limit_exceeded',
      'customer_limit_exceeded',
      'discount_unavailable',
      'cart_full',
      'total_changed',
      'cart_incomplete',
      'cart_closed',
      'checkout_in_progress',
      'country_not_in_market',
      'currency_not_in_market',
      'shipping_method_unavailable',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_key_reused',
      'payment_provider_unavailable',
      'unavailable',
    ),
  },
})

checkoutRoutes.openapi(checkout, async (c) => {
  const stamp = await requiredStamp(c)
  const request = c.req.valid('json')
  if (!providerOf(c.env, request.payment.provider)) throw unknownProvider()
  const running = checkOut(c.env, c.get('store'), c.req.valid('param').cartId, request, stamp)
  c.executionCtx.waitUntil(running)
  return replyCheckout(c, await running, stamp)
})

function unknownProvider(): Problem {
  const errors = [{ path: '/payment/provider', message: 'is not a payment provider of this store' }]
  return new Problem('malformed_request', undefined, { errors })
}

/** The same bytes each time an answer is given: only `Idempotency-Replayed` tells a repeat. */
function replyCheckout(c: Context<AppEnv>, { answer, isReplay }: CheckoutReply, stamp: IdempotencyStamp) {
  const replayed = isReplay ? REPLAYED_HEADER : undefined
  switch (answer.kind) {
    case 'placed':
      return c.json(answer.order, 201, { Location: `/v1/orders/${answer.order.id}`, ...replayed })
    case 'requires_action': {
      const { status, action } = answer.body
      // The test provider's page is on this server; a checkout that goes on without a request knows no origin.
      return c.json(
        { status, action: { ...action, url: new URL(action.url, c.req.url).href } },
        202,
        replayed,
      )
    }
    case 'refused':
      return replyKept(c, answer.refusal, stamp, isReplay)
  }
}
