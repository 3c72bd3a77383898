import { randomUUID } from 'node:crypto'
import { type ApiAnswer, type ApiClient, eachOf } from '../../scripts/api-client.ts'
import { buy, type Purchase, type Send } from '../../scripts/shopper.ts'
import { MARKET } from './load-goods.ts'
import type { TradingDay } from './read-day.ts'

export interface Bought {
  number: string
  lines: { sku: string; quantity: number }[]
  purchase: Purchase
}

export interface Timings {
  /** Wall-clock time of the whole run. */
  tookMs: number
  cartMs: number[]
  checkoutMs: number[]
}

const BUYER = {
  market: MARKET,
  contact: { email: 'buyer@example.com' },
  shippingAddress: {
    name: 'A Buyer',
    line1: '1 Shop Street',
    city: 'London',
    postalCode: 'E1 6AN',
    country: 'GB',
  },
}

/** Every invoice as one cart and its checkout, so many at a time, each request once. */
export async function buyDay(
  api: ApiClient,
  invoices: TradingDay['invoices'],
  atATime: number,
): Promise<{ bought: Bought[]; timings: Timings }> {
  const bought: Bought[] = []
  const timings: Timings = { tookMs: 0, cartMs: [], checkoutMs: [] }
  const send: Send = async (method, path, body): Promise<ApiAnswer> => {
    const started = performance.now()
    const answer = await api.shop(method, path, { body, idempotencyKey: randomUUID() })
    const list = path.endsWith('/checkout') ? timings.checkoutMs : timings.cartMs
    list.push(performance.now() - started)
    return answer
  }
  const started = performance.now()
  await eachOf(invoices, atATime, async ({ number, lines }) => {
    bought.push({ number, lines, purchase: await buy(send, lines, BUYER) })
  })
  timings.tookMs = performance.now() - started
  return { bought, timings }
}
