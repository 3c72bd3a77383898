import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { LEASE_MS } from '../../../schema/rpc/purchase.ts'
import { type Answer, call, staff } from '../../support/api.ts'
import { breakDatabase } from '../../support/faults.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'

let sku = ''
let cartId = ''
let mend = () => {}

beforeEach(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
  cartId = (await readyCart([{ sku, quantity: 1 }])).body.id
})
afterEach(() => {
  mend()
  testClock.reset()
  vi.restoreAllMocks()
})

function loseObjects(): () => void {
  const fail = () => {
    throw Object.assign(new Error('injected: the object is not reachable'), { retryable: true })
  }
  Object.assign(env.PURCHASE, { get: fail })
  return () => delete (env.PURCHASE as { get?: unknown }).get
}

function expectWeather({ status, body, headers }: Answer<any>): void {
  expect([status, body.code]).toEqual([503, 'unavailable'])
  expect(headers.get('Retry-After')).toMatch(/^\d+$/)
  expect(headers.get('Idempotency-Replayed')).toBeNull()
}

describe('a catalogue that does not answer', () => {
  test('is 503 where a price is needed, and nowhere else', async () => {
    mend = breakDatabase('CATALOGUE')
    expectWeather(await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 2 } }))
    expectWeather(await call('POST', '/v1/carts', { body: { lines: [{ sku, quantity: 1 }] } }))
    expect((await call('GET', `/v1/carts/${cartId}`)).status).toBe(200)
    expect((await call('PATCH', `/v1/carts/${cartId}`, { body: { note: 'x' } })).status).toBe(200)
    expect((await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 0 } })).status).toBe(
      200,
    )
  })

  test('charges nothing, and the same key goes on once it is back', async () => {
    const key = crypto.randomUUID()
    mend = breakDatabase('CATALOGUE')
    expectWeather(await checkout(cartId, 'tok_ok', key))
    mend()
    testClock.advance(LEASE_MS + 1)
    expect((await checkout(cartId, 'tok_ok', key)).status).toBe(201)
    expect((await staff('GET', `/v1/admin/stock/${sku}`)).body.allocated).toBe(1)
  })
})

describe('a purchase that cannot be reached', () => {
  test('is 503 on every route that asks it, and the same request succeeds later', async () => {
    const key = crypto.randomUUID()
    const asks = [
      () => call('GET', `/v1/carts/${cartId}`),
      () => call('PATCH', `/v1/carts/${cartId}`, { body: { note: 'x' } }),
      () => call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 2 } }),
      () => call('GET', `/v1/carts/${cartId}/shipping-methods`),
      () => checkout(cartId, 'tok_ok', key),
    ]
    mend = loseObjects()
    for (const ask of asks) expectWeather(await ask())
    expectWeather(await call('GET', `/v1/orders/ord_${'0'.repeat(28)}?token=x`))
    expectWeather(await staff('POST', `/v1/admin/orders/ord_${'0'.repeat(28)}/cancellation`))
    mend()
    for (const ask of asks) expect((await ask()).status).toBeLessThan(300)
  })
})

describe('a record that does not answer', () => {
  test('is 503 for the list, while an order is read from its owner', async () => {
    const { body: order } = await checkout(cartId)
    mend = breakDatabase('ORDERS')
    expectWeather(await staff('GET', '/v1/admin/orders'))
    expect((await staff('GET', `/v1/admin/orders/${order.id}`)).status).toBe(200)
  })
})
