import { randomUUID } from 'node:crypto'
import type { ApiAnswer, ApiClient } from './api-client.ts'

/** What checkout wants to know, of nobody who exists. */
export const SHOPPER = {
  contact: { email: 'shopper@example.com' },
  shippingAddress: {
    name: 'Ada Shopper',
    line1: 'Hafenstraße 1',
    city: 'Hamburg',
    postalCode: '20457',
    country: 'DE',
  },
  shippingMethod: 'standard',
}

export interface CartLine {
  sku: string
  quantity: number
}

export interface Purchase {
  /** The answer to the cart; 201 or a refusal. */
  cart: ApiAnswer
  /** The answer to the checkout; absent when the cart was refused. */
  checkout?: ApiAnswer
}

/** A purchase in two requests: a cart that carries everything, then its checkout at the total that the cart showed. */
export async function buy(
  send: Send,
  lines: CartLine[],
  details: Record<string, unknown> = {},
): Promise<Purchase> {
  const cart = await send('POST', '/v1/carts', { ...SHOPPER, ...details, lines })
  if (cart.status !== 201) return { cart }
  const checkout = await send('POST', `/v1/carts/${cart.body.id}/checkout`, {
    payment: { provider: 'test', token: 'tok_ok' },
    expectedTotal: cart.body.totals.total,
  })
  return { cart, checkout }
}

/** Sends one shopper's POST under one idempotency key, however often it takes. */
export type Send = (method: string, path: string, body: unknown) => Promise<ApiAnswer>

/** Each request once. */
export function sendOnce(api: ApiClient): Send {
  return (method, path, body) => api.shop(method, path, { body, idempotencyKey: randomUUID() })
}

/**
 * Repeats a request with its key until it has an answer of its own: no answer, 503 and "still running" are asked again, as a
 * careful client does. The server may have been killed in between.
 */
export function sendUntilAnswered(api: ApiClient, pauseMs: number, giveUpAfterMs: number): Send {
  return async (method, path, body) => {
    const idempotencyKey = randomUUID()
    const deadline = Date.now() + giveUpAfterMs
    for (;;) {
      const answer = await api
        .shop(method, path, { body, idempotencyKey, timeoutMs: 20_000 })
        .catch(() => null)
      if (answer && !isPassing(answer)) return answer
      if (Date.now() > deadline) {
        throw new Error(`${method} ${path} had no answer; last: ${answer ? JSON.stringify(answer) : 'none'}`)
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

function isPassing({ status, body }: ApiAnswer): boolean {
  if (status === 503 || status === 429) return true
  return status === 409 && ['request_in_progress', 'checkout_in_progress'].includes(body?.code)
}
