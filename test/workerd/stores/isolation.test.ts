import { beforeAll, describe, expect, test } from 'vitest'
import { call, ROOT_KEY, staff, until } from '../../support/api.ts'

const MARKER = 'MARKER-of-the-first-store'
const SHOPPER = 'shopper.of.first@example.com'

/** What the first store has, by the address at which it is read there. */
const owned: { shopper: string[]; staff: string[] } = { shopper: [], staff: [] }
let foreignKey = ''
let cart = { id: '' }
let order = { id: '', token: '' }

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/second', { name: 'Second' })
  foreignKey = (
    await staff(
      'POST',
      '/v1/admin/api-keys',
      {
        name: 'all',
        scopes: [
          'catalogue:write',
          'stock:write',
          'orders:write',
          'settings:write',
          'webhooks:write',
          'events:read',
          'keys:write',
        ],
      },
      { store: 'second' },
    )
  ).body.key
  await staff('PUT', '/v1/admin/products/marked', {
    title: MARKER,
    status: 'active',
    variants: [{ sku: MARKER, prices: { EUR: 100 } }],
  })
  await staff('PUT', '/v1/admin/categories/marked', { name: MARKER })
  await staff('POST', `/v1/admin/stock/${MARKER}/movements`, {
    type: 'receive',
    location: 'main',
    quantity: 10,
  })
  await staff('PUT', '/v1/admin/locations/annex', {})
  const transfer = await staff('POST', '/v1/admin/transfers', {
    from: 'main',
    to: 'annex',
    lines: [{ item: MARKER, quantity: 1 }],
    reference: MARKER,
  })
  expect(transfer.status).toBe(201)
  const endpoint = await staff('POST', '/v1/webhook-endpoints', {
    url: 'http://localhost:1/',
    types: ['*'],
    description: MARKER,
  })
  const made = await call('POST', '/v1/carts', {
    body: {
      lines: [{ sku: MARKER, quantity: 2 }],
      contact: { email: SHOPPER },
      shippingAddress: { name: 'A', line1: 'B', city: 'C', postalCode: '1', country: 'DE' },
      shippingMethod: 'standard',
    },
  })
  const placed = await call('POST', `/v1/carts/${made.body.id}/checkout`, {
    body: { payment: { provider: 'test', token: 'tok_ok' } },
    idempotencyKey: crypto.randomUUID(),
  })
  expect(placed.status).toBe(201)
  order = placed.body
  cart = (
    await call('POST', '/v1/carts', {
      body: { lines: [{ sku: MARKER, quantity: 1 }], contact: { email: SHOPPER } },
    })
  ).body
  owned.shopper.push(
    '/v1/products/marked',
    `/v1/products?sku=${MARKER}`,
    '/v1/products',
    '/v1/categories',
    `/v1/availability?sku=${MARKER}`,
    `/v1/carts/${cart.id}`,
    `/v1/carts/${cart.id}/shipping-methods`,
    `/v1/orders/${order.id}?token=${order.token}`,
  )
  owned.staff.push(
    '/v1/admin/products',
    '/v1/admin/products/marked',
    '/v1/admin/categories/marked',
    '/v1/admin/stock',
    `/v1/admin/stock/${MARKER}`,
    `/v1/admin/stock/${MARKER}/movements`,
    `/v1/admin/stock/${MARKER}/audit`,
    '/v1/admin/transfers',
    `/v1/admin/transfers/${transfer.body.id}`,
    '/v1/admin/orders',
    `/v1/admin/orders/${order.id}`,
    '/v1/admin/api-keys',
    '/v1/events?after=0',
    '/v1/webhook-endpoints',
    `/v1/webhook-endpoints/${endpoint.body.id}`,
    `/v1/webhook-endpoints/${endpoint.body.id}/deliveries`,
  )
  await until(
    () => staff('GET', '/v1/admin/orders'),
    ({ body }) => body.items.length > 0,
  )
})

describe('what one store has is not there for another', () => {
  test('to shoppers', async () => {
    for (const path of owned.shopper) {
      expect((await call('GET', path)).status, path).toBe(200)
      const answer = await call('GET', path, { store: 'second' })
      expect(JSON.stringify(answer.body).replaceAll(`"sku":"${MARKER}"`, ''), path).not.toContain(MARKER)
      expect(JSON.stringify(answer.body), path).not.toContain(SHOPPER)
    }
  })

  test("to holders of another store's keys", async () => {
    for (const path of owned.staff) {
      expect((await call('GET', path, { key: ROOT_KEY })).status, path).toBe(200)
      const there = await call('GET', path, { key: foreignKey, store: 'second' })
      expect(JSON.stringify(there.body), path).not.toContain(MARKER)
      expect(JSON.stringify(there.body), path).not.toContain(order.id)
      expect((await call('GET', path, { key: foreignKey })).status, path).toBe(401)
    }
  })

  test('to be changed by shoppers or keys of another store', async () => {
    const changes: [string, string, unknown][] = [
      ['PUT', `/v1/carts/${cart.id}/lines/${MARKER}`, { quantity: 5 }],
      ['PATCH', `/v1/carts/${cart.id}`, { note: 'x' }],
      ['DELETE', `/v1/carts/${cart.id}`, undefined],
      ['POST', `/v1/carts/${cart.id}/checkout`, { payment: { provider: 'test', token: 'tok_ok' } }],
    ]
    for (const [method, path, body] of changes) {
      const answer = await call(method, path, { body, store: 'second', idempotencyKey: crypto.randomUUID() })
      expect(answer.status, `${method} ${path}`).toBe(404)
    }
    const cancelled = await call('POST', `/v1/admin/orders/${order.id}/cancellation`, {
      body: {},
      key: foreignKey,
      store: 'second',
      idempotencyKey: crypto.randomUUID(),
    })
    expect(cancelled.status).toBe(404)
    expect((await call('GET', `/v1/carts/${cart.id}`)).body.lines[0].quantity).toBe(1)
  })

  test('to be reached by an encoded path', async () => {
    for (const trick of [
      '..%2Fdefault%2Fproducts%2Fmarked',
      '..%2F..%2Fdefault%2Fproducts%2Fmarked',
      '%2e%2e%2f%2e%2e%2fdefault%2fproducts%2fmarked',
    ]) {
      const answer = await call('GET', `/v1/products/${trick}`, { store: 'second' })
      expect(answer.status, trick).toBe(404)
    }
  })
})
