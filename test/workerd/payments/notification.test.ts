import { beforeEach, describe, expect, test, vi } from 'vitest'
import { testProvider } from '../../../worker/payments/test-provider.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'

let sku = ''
let eventNumber = 0
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})

async function waiting(key: string = crypto.randomUUID()) {
  const { body: cart } = await readyCart([{ sku, quantity: 2 }])
  const asked = await checkout(cart.id, 'tok_requires_action', key)
  expect(asked.status, JSON.stringify(asked.body)).toBe(202)
  return { cartId: cart.id as string, asked, paymentId: asked.body.action.paymentId as string, key }
}

function notify(
  paymentId: string,
  outcome = 'succeeded',
  options: { eventId?: string; store?: string } = {},
) {
  const eventId = options.eventId ?? `evt-${++eventNumber}`
  return call('POST', '/v1/payments/test/webhook', {
    body: { eventId, paymentId, outcome },
    ...(options.store && { store: options.store }),
  })
}

const readCart = async (cartId: string) => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('a payment that needs the shopper to act', () => {
  test('is 202 with where to send them, holds the units, and the same again under its key', async () => {
    const { cartId, asked, key } = await waiting()
    expect(asked.body).toEqual({
      status: 'requires_action',
      action: { type: 'redirect', url: expect.stringMatching(/^http/), paymentId: expect.any(String) },
    })
    const again = await checkout(cartId, 'tok_requires_action', key)
    expect([again.status, again.body]).toEqual([202, asked.body])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    expect(await readCart(cartId)).toMatchObject({ status: 'checking_out', order: null })
    expect(await stock()).toMatchObject({ reserved: 2, allocated: 0 })
    const page = await call<string>('GET', new URL(asked.body.action.url).pathname)
    expect([page.status, page.body.includes(asked.body.action.paymentId)]).toEqual([200, true])
  })

  test('is an order by the time its notification is answered', async () => {
    const { cartId, paymentId } = await waiting()
    const noted = await notify(paymentId)
    expect([noted.status, noted.body]).toEqual([200, { received: true }])
    const cart = await readCart(cartId)
    expect(cart.status).toBe('completed')
    const { body: order } = await call('GET', `/v1/orders/${cart.order.id}?token=${cart.order.token}`)
    expect(order).toMatchObject({ status: 'placed', paymentStatus: 'paid' })
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test('is one order however often and in whichever order its notifications come', async () => {
    const { cartId, paymentId } = await waiting()
    const answers = await Promise.all([
      notify(paymentId, 'succeeded', { eventId: 'same' }),
      notify(paymentId, 'succeeded', { eventId: 'same' }),
      notify(paymentId, 'succeeded'),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const { order } = await readCart(cartId)
    expect((await notify(paymentId, 'failed')).status).toBe(200)
    expect((await notify(paymentId, 'succeeded', { eventId: 'same' })).status).toBe(200)
    expect((await readCart(cartId)).order).toEqual(order)
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test('is an order at once when its notification overtakes the answer of the provider', async () => {
    const { authorize } = testProvider
    let asked = ''
    vi.spyOn(testProvider, 'authorize').mockImplementation(async (request) => {
      asked = request.paymentId
      await new Promise((resolve) => setTimeout(resolve, 400))
      return authorize(request)
    })
    const { body: cart } = await readyCart([{ sku, quantity: 2 }])
    const checkingOut = checkout(cart.id, 'tok_requires_action')
    await vi.waitUntil(() => asked)
    const [noted, placed] = await Promise.all([notify(asked), checkingOut])
    vi.restoreAllMocks()
    expect(noted.status).toBe(200)
    expect([placed.status, placed.body.paymentStatus]).toEqual([201, 'paid'])
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test('that failed opens the cart again', async () => {
    const { cartId, paymentId } = await waiting()
    expect((await notify(paymentId, 'failed')).status).toBe(200)
    expect(await readCart(cartId)).toMatchObject({ status: 'open', lines: [{ hold: { state: 'held' } }] })
    expect((await checkout(cartId)).status).toBe(201)
    expect((await stock()).allocated).toBe(2)
  })

  test('gives way to another checkout of the cart, and pays nothing when it succeeds too late', async () => {
    const { cartId, paymentId } = await waiting()
    const placed = await checkout(cartId)
    expect(placed.status, JSON.stringify(placed.body)).toBe(201)
    expect((await notify(paymentId)).status).toBe(200)
    expect((await readCart(cartId)).order.id).toBe(placed.body.id)
    expect((await stock()).allocated).toBe(2)
  })
})

describe('a notification', () => {
  test('about a payment that is not there is 404', async () => {
    const { paymentId } = await waiting()
    const unknown = [
      'pay_x',
      '../../etc',
      'pay_default.00000000000000000000000000.1',
      `pay_default.${'0'.repeat(28)}.1`,
      `pay_nostore.${'0'.repeat(28)}.1`,
      paymentId.replace(/\d+$/, '7'),
    ]
    for (const id of unknown) {
      const answer = await notify(id)
      expect([answer.status, answer.body.code], id).toEqual([404, 'payment_not_found'])
    }
  })

  test('finds nothing from another store, and its own store without being told', async () => {
    const { cartId, paymentId } = await waiting()
    const slug = `s-${crypto.randomUUID().slice(0, 8)}`
    await staff('PUT', `/v1/admin/stores/${slug}`, { name: 'Other' })
    const answer = await notify(paymentId, 'succeeded', { store: slug })
    expect([answer.status, answer.body.code]).toEqual([404, 'payment_not_found'])
    expect((await readCart(cartId)).status).toBe('checking_out')
    expect((await notify(paymentId, 'succeeded', { store: 'default' })).status).toBe(200)
  })

  test('that is malformed is refused with the fields, and one for an unknown provider is 404', async () => {
    const send = (body: unknown, provider = 'test') =>
      call('POST', `/v1/payments/${provider}/webhook`, { body })
    const malformed = await send({ eventId: 'e', paymentId: 'p', outcome: 'perhaps' })
    expect([malformed.status, malformed.body.errors[0].path]).toEqual([400, '/outcome'])
    for (const body of [[], 'text', null, 7, {}]) expect((await send(body)).status).toBe(400)
    expect((await send({}, 'moneybag')).status).toBe(404)
  })
})
