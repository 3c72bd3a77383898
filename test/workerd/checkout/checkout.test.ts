import { beforeEach, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, READY, readyCart, stocked } from '../../support/shop.ts'

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})

async function cartOf(quantity = 1): Promise<string> {
  const made = await readyCart([{ sku, quantity }])
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id
}

const readCart = async (cartId: string) => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('a checkout', () => {
  test('answers the order, paid and allocated, with the token that reads it', async () => {
    const cartId = await cartOf(2)
    const placed = await checkout(cartId)
    expect(placed.status, JSON.stringify(placed.body)).toBe(201)
    const { token, ...order } = placed.body
    expect(order).toMatchObject({ status: 'placed', paymentStatus: 'paid', fulfillmentStatus: 'unfulfilled' })
    expect(order.lines).toMatchObject([{ sku, quantity: 2 }])
    expect(order.totals.total).toEqual({ amount: 2000, currency: 'EUR' })
    expect(placed.headers.get('Location')).toBe(`/v1/orders/${order.id}`)
    expect(await stock()).toMatchObject({ onHand: 5, reserved: 0, allocated: 2, available: 3 })
    expect(await readCart(cartId)).toMatchObject({ status: 'completed', order: { id: order.id, token } })
    const read = await call('GET', `/v1/orders/${order.id}`, { headers: { 'Order-Token': token } })
    expect([read.status, read.body]).toEqual([200, order])
  })

  test('asked for again under its key is the same answer, byte for byte', async () => {
    const cartId = await cartOf()
    const key = crypto.randomUUID()
    const first = await checkout(cartId, 'tok_ok', key)
    const again = await checkout(cartId, 'tok_ok', key)
    expect([again.status, JSON.stringify(again.body)]).toEqual([201, JSON.stringify(first.body)])
    expect(first.headers.get('Idempotency-Replayed')).toBeNull()
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(again.headers.get('Location')).toBe(first.headers.get('Location'))
    const other = await checkout(cartId, 'tok_slow', key)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
    expect((await stock()).allocated).toBe(1)
  })

  test('of a completed cart under another key names the order that is there', async () => {
    const cartId = await cartOf()
    const { body: order } = await checkout(cartId)
    const refused = await checkout(cartId)
    expect([refused.status, refused.body.code]).toEqual([409, 'cart_closed'])
    expect(refused.body.order).toEqual({ id: order.id, token: order.token })
  })

  test('needs a key that nobody guesses, and a provider that is offered', async () => {
    const cartId = await cartOf()
    const body = { payment: { provider: 'test', token: 'tok_ok' } }
    const ask = (options: object) => call('POST', `/v1/carts/${cartId}/checkout`, { body, ...options })
    expect((await ask({})).body.code).toBe('idempotency_key_missing')
    expect((await ask({ idempotencyKey: 'short' })).body.code).toBe('idempotency_key_invalid')
    const unknown = await ask({
      body: { payment: { provider: 'moneybag', token: 'x' } },
      idempotencyKey: crypto.randomUUID(),
    })
    expect([unknown.status, unknown.body.errors[0].path]).toEqual([400, '/payment/provider'])
    expect((await readCart(cartId)).status).toBe('open')
  })

  test('of a cart that lacks something names it, and may be repeated when it is there', async () => {
    const { body: cart } = await call('POST', '/v1/carts', { body: { lines: [{ sku, quantity: 1 }] } })
    const refused = await checkout(cart.id)
    expect([refused.status, refused.body.code]).toEqual([409, 'cart_incomplete'])
    expect([...refused.body.missing].sort()).toEqual(['contact', 'shippingAddress', 'shippingMethod'])
    await call('PATCH', `/v1/carts/${cart.id}`, { body: READY })
    expect((await checkout(cart.id)).status).toBe(201)
  })

  test('needs an email, though a cart may have only a phone so far', async () => {
    const { body: cart } = await call('POST', '/v1/carts', {
      body: { lines: [{ sku, quantity: 1 }], ...READY },
    })
    const contact = (value: object) => call('PATCH', `/v1/carts/${cart.id}`, { body: { contact: value } })
    expect((await contact({})).status).toBe(400)
    expect((await contact({ phone: '+49 30 1234' })).body.contact).toEqual({ phone: '+49 30 1234' })
    expect((await checkout(cart.id)).body.missing).toEqual(['contact'])
    await contact({ email: 'ada@example.com', phone: '+49 30 1234' })
    expect((await checkout(cart.id)).status).toBe(201)
  })

  test('with another total than the shopper saw charges nothing', async () => {
    const cartId = await cartOf()
    const ask = (amount: number) =>
      call('POST', `/v1/carts/${cartId}/checkout`, {
        body: {
          payment: { provider: 'test', token: 'tok_ok' },
          expectedTotal: { amount, currency: 'EUR' },
        },
        idempotencyKey: crypto.randomUUID(),
      })
    const refused = await ask(999)
    expect([refused.status, refused.body.code]).toEqual([409, 'total_changed'])
    expect((await readCart(cartId)).status).toBe('open')
    expect((await ask(1000)).status).toBe(201)
  })

  test('of a price that changed since is refused by the total that the shopper saw', async () => {
    const cartId = await cartOf()
    await stocked(sku, 0, 1500)
    const refused = await call('POST', `/v1/carts/${cartId}/checkout`, {
      body: {
        payment: { provider: 'test', token: 'tok_ok' },
        expectedTotal: { amount: 1000, currency: 'EUR' },
      },
      idempotencyKey: crypto.randomUUID(),
    })
    expect([refused.status, refused.body.code]).toEqual([409, 'total_changed'])
    expect((await readCart(cartId)).totals.total.amount).toBe(1500)
  })

  test('of a cart that is not there is 404', async () => {
    expect((await checkout(`cart_${'0'.repeat(54)}`)).body.code).toBe('cart_not_found')
    expect((await checkout('nonsense')).body.code).toBe('cart_not_found')
  })

  test('from another store finds no cart', async () => {
    const cartId = await cartOf()
    const slug = `s-${crypto.randomUUID().slice(0, 8)}`
    await staff('PUT', `/v1/admin/stores/${slug}`, { name: 'Other' })
    const refused = await call('POST', `/v1/carts/${cartId}/checkout`, {
      body: { payment: { provider: 'test', token: 'tok_ok' } },
      idempotencyKey: crypto.randomUUID(),
      store: slug,
    })
    expect([refused.status, refused.body.code]).toEqual([404, 'cart_not_found'])
  })
})

describe('the payment', () => {
  test('declined is 402, kept under its key, and the cart is open for another try', async () => {
    const cartId = await cartOf()
    const key = crypto.randomUUID()
    const first = await checkout(cartId, 'tok_declined', key)
    expect([first.status, first.body.code]).toEqual([402, 'payment_declined'])
    const again = await checkout(cartId, 'tok_declined', key)
    expect([again.status, JSON.stringify(again.body)]).toEqual([402, JSON.stringify(first.body)])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(await readCart(cartId)).toMatchObject({ status: 'open', lines: [{ hold: { state: 'held' } }] })
    expect((await checkout(cartId)).status).toBe(201)
  })

  test('with a provider that is down is 503 and not kept; the cart is open', async () => {
    const cartId = await cartOf()
    const key = crypto.randomUUID()
    for (const _ of [1, 2]) {
      const down = await checkout(cartId, 'tok_error', key)
      expect([down.status, down.body.code]).toEqual([503, 'payment_provider_unavailable'])
      expect(down.headers.get('Retry-After')).toMatch(/^\d+$/)
      expect(down.headers.get('Idempotency-Replayed')).toBeNull()
    }
    expect((await readCart(cartId)).status).toBe('open')
    expect((await checkout(cartId)).status).toBe(201)
  })

  test('that is slow keeps repeats, lines and other checkouts out meanwhile', async () => {
    const cartId = await cartOf()
    const key = crypto.randomUUID()
    const slow = checkout(cartId, 'tok_slow', key)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const repeat = await checkout(cartId, 'tok_slow', key)
    expect([repeat.status, repeat.body.code]).toEqual([409, 'checkout_in_progress'])
    expect(repeat.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect(repeat.headers.get('Idempotency-Replayed')).toBeNull()
    const other = await checkout(cartId)
    expect([other.status, other.body.code]).toEqual([409, 'checkout_in_progress'])
    expect(other.headers.get('Retry-After')).toMatch(/^\d+$/)
    const line = await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 2 } })
    expect([line.status, line.body.code]).toEqual([409, 'checkout_in_progress'])
    const first = await slow
    expect(first.status).toBe(201)
    const again = await checkout(cartId, 'tok_slow', key)
    expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, 'true'])
    expect(again.body).toEqual(first.body)
    expect((await stock()).allocated).toBe(1)
  })
})

describe('one order, and no more than there is', () => {
  test('eight checkouts of one cart at once give one order', async () => {
    const cartId = await cartOf(2)
    const answers = await Promise.all(Array.from({ length: 8 }, () => checkout(cartId)))
    const placed = answers.filter(({ status }) => status === 201)
    expect(placed).toHaveLength(1)
    for (const { status, body } of answers) {
      if (status === 201) continue
      expect(status).toBe(409)
      expect(['checkout_in_progress', 'cart_closed']).toContain(body.code)
    }
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test('a hold that ended is held again at checkout', async () => {
    const cartId = await cartOf(5)
    try {
      testClock.advance(901_000)
      expect((await readCart(cartId)).lines[0].hold.state).toBe('expired')
      expect((await checkout(cartId)).status).toBe(201)
      expect(await stock()).toMatchObject({ allocated: 5, reserved: 0 })
    } finally {
      testClock.reset()
    }
  })

  test('a hold that ended and was sold to someone else refuses the checkout before it charges', async () => {
    const cartId = await cartOf(4)
    try {
      testClock.advance(901_000)
      const quick = await cartOf(3)
      expect((await checkout(quick)).status).toBe(201)
      const refused = await checkout(cartId)
      expect([refused.status, refused.body.code]).toEqual([409, 'insufficient_stock'])
      expect(refused.body.lines).toEqual([{ sku, requested: 4, available: 2 }])
      expect(await stock()).toMatchObject({ allocated: 3 })
      const line = await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 2 } })
      expect(line.status).toBe(200)
      expect((await checkout(cartId)).status).toBe(201)
    } finally {
      testClock.reset()
    }
  })

  test('40 buyers racing for 10 units are 10 orders and 30 refusals', async () => {
    await stocked(`${sku}-HOT`, 10)
    const buyers = Array.from({ length: 40 }, async () => {
      const cart = await readyCart([{ sku: `${sku}-HOT`, quantity: 1 }])
      return cart.status === 201 ? checkout(cart.body.id) : cart
    })
    const answers = await Promise.all(buyers)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10)
    expect(
      answers.filter(({ status, body }) => status === 409 && body.code === 'insufficient_stock'),
    ).toHaveLength(30)
    const { body: levels } = await staff('GET', `/v1/admin/stock/${sku}-HOT`)
    expect(levels).toMatchObject({ onHand: 10, reserved: 0, allocated: 10, available: 0 })
  })
})
