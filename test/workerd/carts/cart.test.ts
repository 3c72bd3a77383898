import { beforeEach, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { call, staff } from '../../support/api.ts'
import { READY, received, stocked } from '../../support/shop.ts'

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})

async function newCart(body: object = {}): Promise<string> {
  const { status, body: cart } = await call('POST', '/v1/carts', { body })
  expect(status, JSON.stringify(cart)).toBe(201)
  return cart.id
}

const put = (cartId: string, quantity: number, of = sku) =>
  call('PUT', `/v1/carts/${cartId}/lines/${encodeURIComponent(of)}`, { body: { quantity } })

async function available(item = sku): Promise<number> {
  return (await staff('GET', `/v1/admin/stock/${encodeURIComponent(item)}`)).body.available
}

/** A product whose SKU is no handle. */
async function stockedAs(odd: string, units: number): Promise<void> {
  const handle = `odd-${crypto.randomUUID().slice(0, 8)}`
  const product = { title: 'Odd', status: 'active', variants: [{ sku: odd, prices: { EUR: 100 } }] }
  const made = await staff('PUT', `/v1/admin/products/${handle}`, product)
  expect(made.status, JSON.stringify(made.body)).toBeLessThan(300)
  await received(odd, units)
}

describe('a new cart', () => {
  test('is empty without a body, and is read under the address in Location', async () => {
    const made = await call('POST', '/v1/carts')
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ status: 'open', market: 'main', currency: 'EUR', lines: [] })
    expect(made.headers.get('Location')).toBe(`/v1/carts/${made.body.id}`)
    expect(made.headers.get('Cache-Control')).toBe('no-store')
    const read = await call('GET', made.headers.get('Location')!)
    expect(read.status).toBe(200)
    expect(read.body).toEqual(made.body)
  })

  test('takes lines and all that PATCH takes; repeated SKUs are summed and held', async () => {
    const lines = [
      { sku, quantity: 1 },
      { sku, quantity: 2 },
    ]
    const made = await call('POST', '/v1/carts', { body: { ...READY, lines, note: 'ring twice' } })
    expect(made.status).toBe(201)
    expect(made.body.lines).toHaveLength(1)
    expect(made.body.lines[0]).toMatchObject({ sku, quantity: 3, hold: { state: 'held' } })
    expect(made.body).toMatchObject({ ...READY, note: 'ring twice' })
    expect(made.body.totals.total).toEqual({ amount: 3000, currency: 'EUR' })
    expect(await available()).toBe(2)
  })

  test('is refused whole when one line cannot be held, and then holds nothing', async () => {
    const scarce = `${sku}-SCARCE`
    await stocked(scarce, 1)
    const refused = await call('POST', '/v1/carts', {
      body: {
        lines: [
          { sku, quantity: 2 },
          { sku: scarce, quantity: 2 },
        ],
      },
    })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      code: 'insufficient_stock',
      lines: [{ sku: scarce, requested: 2, available: 1 }],
    })
    expect(await available()).toBe(5)
  })

  test('asked for twice under one key is one cart, answered the same', async () => {
    const idempotencyKey = crypto.randomUUID()
    const body = { lines: [{ sku, quantity: 2 }] }
    const first = await call('POST', '/v1/carts', { body, idempotencyKey })
    await put(first.body.id, 4)
    await staff('DELETE', `/v1/admin/products/${sku.toLowerCase()}`)
    const again = await call('POST', '/v1/carts', { body, idempotencyKey })
    expect(again.status).toBe(201)
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(first.headers.get('Idempotency-Replayed')).toBeNull()
    expect(again.body).toEqual(first.body)
    const other = await call('POST', '/v1/carts', { body: {}, idempotencyKey })
    expect(other.status).toBe(422)
    expect(other.body.code).toBe('idempotency_key_reused')
  })

  test('that was refused under a key stays refused under it, byte for byte', async () => {
    const idempotencyKey = crypto.randomUUID()
    const ask = () => call('POST', '/v1/carts', { body: { lines: [{ sku, quantity: 6 }] }, idempotencyKey })
    const first = await ask()
    expect([first.status, first.body.code]).toEqual([409, 'insufficient_stock'])
    await received(sku, 10)
    const again = await ask()
    expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body))
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(again.headers.get('Request-Id')).toBe(again.body.requestId)
  })

  test('with a key that others could guess is refused', async () => {
    const short = await call('POST', '/v1/carts', { idempotencyKey: 'order-1' })
    expect(short.status).toBe(400)
    expect(short.body.code).toBe('idempotency_key_invalid')
  })

  test('in a market that is not there is refused, in the address and in the body', async () => {
    expect((await call('POST', '/v1/carts?market=nowhere')).body.code).toBe('market_not_found')
    const inBody = await call('POST', '/v1/carts', { body: { market: 'nowhere' } })
    expect([inBody.status, inBody.body.code]).toEqual([404, 'market_not_found'])
  })

  test('with a sum above what a line takes is refused, and names the limit', async () => {
    const line = { sku, quantity: 100_000 }
    const refused = await call('POST', '/v1/carts', { body: { lines: [line, line] } })
    expect([refused.status, refused.body.code]).toEqual([409, 'quantity_limit_exceeded'])
    expect(refused.body).toMatchObject({ sku, limit: 100_000 })
  })

  test.each([
    [{ lines: [{ sku: 'A', quantity: 0 }] }, '/lines/0/quantity'],
    [{ lines: [{ sku: 'A', quantity: 1.5 }] }, '/lines/0/quantity'],
    [{ lines: [{ sku: 'A', quantity: 9e15 }] }, '/lines/0/quantity'],
    [{ lines: [{ sku: 'A'.repeat(65), quantity: 1 }] }, '/lines/0/sku'],
    [{ lines: [{ sku: 'A\u0000', quantity: 1 }] }, '/lines/0/sku'],
    [{ contact: { email: 'nobody' } }, '/contact/email'],
    [{ hold: 'later' }, '/hold'],
    [{ discount: 100 }, ''],
  ])('%j is malformed, and the problem points at it', async (body, path) => {
    const refused = await call('POST', '/v1/carts', { body })
    expect([refused.status, refused.body.code]).toEqual([400, 'malformed_request'])
    expect(refused.body.errors[0].path).toBe(path)
  })
})

describe('a line', () => {
  test('sets quantity and hold, and 0 removes both', async () => {
    const cartId = await newCart()
    expect((await put(cartId, 3)).body.lines[0]).toMatchObject({ quantity: 3, hold: { state: 'held' } })
    expect(await available()).toBe(2)
    expect((await put(cartId, 1)).body.lines[0].quantity).toBe(1)
    expect(await available()).toBe(4)
    expect((await put(cartId, 0)).body.lines).toEqual([])
    expect(await available()).toBe(5)
  })

  test('beyond the stock is refused with the most it could be set to, and changes nothing', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 2 }] })
    await newCart({ lines: [{ sku, quantity: 1 }] })
    const refused = await put(cartId, 9)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({
      code: 'insufficient_stock',
      lines: [{ sku, requested: 9, available: 4 }],
    })
    expect((await call('GET', `/v1/carts/${cartId}`)).body.lines[0].quantity).toBe(2)
    expect((await put(cartId, 4)).status).toBe(200)
  })

  test('is removed by DELETE, and once more as well', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 2 }] })
    for (const _ of [1, 2]) {
      const removed = await call('DELETE', `/v1/carts/${cartId}/lines/${sku}`)
      expect([removed.status, removed.body.lines]).toEqual([200, []])
    }
    expect(await available()).toBe(5)
  })

  test('of a product that went off sale can be removed and not raised', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 2 }] })
    await staff('DELETE', `/v1/admin/products/${sku.toLowerCase()}`)
    expect((await put(cartId, 3)).body).toMatchObject({ code: 'sku_not_found', sku })
    expect((await put(cartId, 0)).body.lines).toEqual([])
  })

  test('of an unknown SKU is refused by name', async () => {
    const refused = await put(await newCart(), 1, 'NO SUCH')
    expect([refused.status, refused.body.code, refused.body.sku]).toEqual([404, 'sku_not_found', 'NO SUCH'])
  })

  test('whose hold ended stays, says so, and is held again by a PUT', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 2 }] })
    try {
      testClock.advance(901_000)
      const { body: cart } = await call('GET', `/v1/carts/${cartId}`)
      expect(cart.lines[0]).toMatchObject({ quantity: 2, hold: { state: 'expired' } })
      expect(cart.notices[0]).toMatchObject({ code: 'hold_expired', path: '/lines/0' })
      const again = await put(cartId, 2)
      expect(again.body.lines[0].hold.state).toBe('held')
      expect(again.body.notices).toEqual([])
    } finally {
      testClock.reset()
    }
  })

  test('is not held longer by the same quantity once more', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 2 }] })
    const { body: before } = await call('GET', `/v1/carts/${cartId}`)
    try {
      testClock.advance(60_000)
      expect((await put(cartId, 2)).body.lines[0].hold).toEqual(before.lines[0].hold)
    } finally {
      testClock.reset()
    }
  })
})

describe('a SKU in a path', () => {
  test.each(['BANK CHARGES', 'a/b', 'a%2Fb', '100%', 'ß→東', 'q?x=1&y#z', '..x', 'a+b', "it's"])(
    '%j is reached percent-encoded',
    async (odd) => {
      const name = `${odd}-${crypto.randomUUID().slice(0, 4)}`
      await stockedAs(name, 2)
      const cartId = await newCart()
      const answer = await put(cartId, 2, name)
      expect(answer.status, JSON.stringify(answer.body)).toBe(200)
      expect(answer.body.lines[0].sku).toBe(name)
      expect((await put(cartId, 3, name)).body.lines[0]).toEqual({ sku: name, requested: 3, available: 2 })
    },
  )

  test.each(['%', '%zz', '%E0%A4%A', '%00', '%ff%fe', '%ED%A0%80', '%20', '..%2F..%2Fother', 'a'.repeat(65)])(
    '%j is refused and not our failure',
    async (raw) => {
      const cartId = await newCart()
      const put = await call('PUT', `/v1/carts/${cartId}/lines/${raw}`, { body: { quantity: 1 } })
      expect([400, 404], JSON.stringify(put.body)).toContain(put.status)
      const removed = await call('DELETE', `/v1/carts/${cartId}/lines/${raw}`)
      expect(removed.status).toBeLessThan(500)
    },
  )
})

describe('a cart', () => {
  test('is changed member by member; null clears', async () => {
    const cartId = await newCart(READY)
    const patch = (body: object) => call('PATCH', `/v1/carts/${cartId}`, { body })
    const noted = await patch({ note: 'hello', metadata: { source: 'app' } })
    expect(noted.body).toMatchObject({ ...READY, note: 'hello', metadata: { source: 'app' } })
    const cleared = await patch({ note: null, billingAddress: null, contact: null })
    expect(cleared.body).toMatchObject({ note: null, contact: null, metadata: { source: 'app' } })
    expect((await patch({ shippingMethod: 'rocket' })).body.code).toBe('shipping_method_not_found')
    expect((await patch({ market: 'nowhere' })).body.code).toBe('market_not_found')
    expect((await patch({ lines: [] })).status).toBe(400)
  })

  test('lists the shipping methods of its market with their prices', async () => {
    const { body } = await call('GET', `/v1/carts/${await newCart()}/shipping-methods`)
    expect(body.items).toContainEqual({
      code: 'standard',
      title: expect.any(String),
      price: { amount: 0, currency: 'EUR' },
    })
  })

  test('is abandoned by DELETE, gives all back, and takes no line any more', async () => {
    const cartId = await newCart({ lines: [{ sku, quantity: 5 }] })
    expect(await available()).toBe(0)
    for (const _ of [1, 2]) expect((await call('DELETE', `/v1/carts/${cartId}`)).status).toBe(204)
    expect(await available()).toBe(5)
    expect((await call('GET', `/v1/carts/${cartId}`)).body.status).toBe('abandoned')
    expect((await put(cartId, 1)).body.code).toBe('cart_closed')
  })

  test('does not exist for another secret, another store, or a text that is no id', async () => {
    const cartId = await newCart()
    const wrong = cartId.slice(0, -1) + (cartId.endsWith('0') ? '1' : '0')
    const slug = `s-${crypto.randomUUID().slice(0, 8)}`
    expect((await staff('PUT', `/v1/admin/stores/${slug}`, { name: 'Other' })).status).toBeLessThan(300)
    for (const [id, store] of [
      [wrong, undefined],
      [cartId, slug],
      ['cart_x', undefined],
      [`${cartId}0`, undefined],
      ['%00', undefined],
    ] as const) {
      const options = store ? { store } : {}
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['PATCH', '', { note: 'x' }],
        ['PUT', `/lines/${sku}`, { quantity: 1 }],
        ['PUT', `/lines/${sku}`, { quantity: 0 }],
        ['DELETE', `/lines/${sku}`, undefined],
        ['GET', '/shipping-methods', undefined],
        ['DELETE', '', undefined],
      ] as const) {
        const answer = await call(method, `/v1/carts/${id}${path}`, { ...options, body })
        expect([answer.status, answer.body.code], `${method} ${path}`).toEqual([404, 'cart_not_found'])
      }
    }
    expect((await call('GET', `/v1/carts/${cartId}`)).body.status).toBe('open')
  })
})
