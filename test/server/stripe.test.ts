import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  freePort,
  newStateDir,
  removeStateDir,
  type SpawnedServer,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'
import { SHOPPER } from '../../scripts/shopper.ts'
import { StripeAccount } from '../support/stripe-account.ts'
import { startStripeServer } from '../support/stripe-server.ts'
import { eventually } from './support/eventually.ts'
import { levelsOf, shelve } from './support/stock-shelf.ts'

const SKU = 'STRIPE-A'
const UNITS = 100
const PRICE = 1000
/** The alarm takes up what a failed undo left; its first pause is 5 s. */
const UNDONE_WITHIN_MS = 30_000

const stateDir = newStateDir()
let stripe: Awaited<ReturnType<typeof startStripeServer>>
let account: StripeAccount
let server: SpawnedServer
let port = 0
/** Units that orders of this file have, and what they cost. */
let sold = 0

beforeAll(async () => {
  stripe = await startStripeServer()
  account = new StripeAccount(stripe.url)
  port = await freePort()
  await start()
  await shelve(server.api, SKU, UNITS)
})
afterAll(async () => {
  await server?.killGroup()
  stripe?.close()
  removeStateDir(stateDir)
})

async function start(): Promise<void> {
  const env = { PAYMENTS: 'test,manual,stripe', ...account.variables }
  server = await spawnServer({ stateDir, port, env })
}

async function newCart(): Promise<string> {
  const cart = await server.api.shop('POST', '/v1/carts', {
    body: { ...SHOPPER, lines: [{ sku: SKU, quantity: 1 }] },
    idempotencyKey: randomUUID(),
  })
  expect(cart.status, JSON.stringify(cart.body)).toBe(201)
  return cart.body.id
}

function checkout(cartId: string, token: string, idempotencyKey: string = randomUUID(), provider = 'stripe') {
  const payment = { provider, token, returnUrl: `https://shop.example/thanks?cart=${cartId}` }
  return server.api.shop('POST', `/v1/carts/${cartId}/checkout`, { body: { payment }, idempotencyKey })
}

const readCart = async (cartId: string) => (await server.api.shop('GET', `/v1/carts/${cartId}`)).body

async function send(body: string, signature: string): Promise<number> {
  const answer = await fetch(`${server.url}/v1/payments/stripe/webhook`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Stripe-Signature': signature },
    body,
  })
  await answer.arrayBuffer()
  return answer.status
}

/** Stripe sends every event it has, the last first: nobody may rely on their order or number. */
async function notify(): Promise<void> {
  for (const { body, signature } of (await account.state()).events.reverse()) {
    expect(await send(body, signature)).toBe(200)
  }
}

/** Each order once, each unit once, each euro once. */
async function expectSold(count: number): Promise<void> {
  sold += count
  expect(await levelsOf(server.api, SKU)).toMatchObject({ onHand: UNITS, allocated: sold })
  expect(await account.money()).toBe(sold * PRICE)
}

test('the store names its ways to pay, with the key for the browser and no other', async () => {
  const { body } = await server.api.shop('GET', '/v1/store')
  expect(body.paymentMethods).toEqual([
    { provider: 'test' },
    { provider: 'manual' },
    { provider: 'stripe', publicKey: account.variables.STRIPE_PUBLISHABLE_KEY },
  ])
  expect(JSON.stringify(body)).not.toMatch(/sk_test|whsec/)
})

test('a card pays an order, whatever is asked twice', async () => {
  const cartId = await newCart()
  const key = randomUUID()
  const placed = await checkout(cartId, 'pm_card_visa', key)
  expect([placed.status, placed.body.paymentStatus]).toEqual([201, 'paid'])
  const again = await checkout(cartId, 'pm_card_visa', key)
  expect([again.status, again.body]).toEqual([201, placed.body])
  await notify()
  await expectSold(1)
})

test('a declined card leaves the cart to be paid by another', async () => {
  const cartId = await newCart()
  const declined = await checkout(cartId, 'pm_card_visa_chargeDeclinedInsufficientFunds')
  expect([declined.status, declined.body.code, declined.body.reason]).toEqual([
    402,
    'payment_declined',
    'insufficient_funds',
  ])
  await notify()
  expect((await checkout(cartId, 'pm_card_visa')).status).toBe(201)
  await expectSold(1)
})

test('a second factor: the notification comes before the shopper is back', async () => {
  const cartId = await newCart()
  const key = randomUUID()
  const asked = await checkout(cartId, 'pm_card_threeDSecure2Required', key)
  expect([asked.status, asked.body.action.type]).toEqual([202, 'redirect'])
  expect(await account.atTheBank(asked.body.action.url, 'succeeded')).toBe(true)
  await notify()
  expect((await readCart(cartId)).status).toBe('completed')
  await notify()
  await expectSold(1)
})

test('a second factor: the shopper is back before the notification comes', async () => {
  const cartId = await newCart()
  const key = randomUUID()
  const asked = await checkout(cartId, 'pm_card_threeDSecure2Required', key)
  await account.atTheBank(asked.body.action.url, 'succeeded')
  expect((await readCart(cartId)).status).toBe('checking_out')
  const again = await checkout(cartId, 'pm_card_threeDSecure2Required', key)
  expect([again.status, again.body]).toEqual([202, asked.body])
  await notify()
  const cart = await readCart(cartId)
  expect(cart.status).toBe('completed')
  const order = await server.api.shop('GET', `/v1/orders/${cart.order.id}?token=${cart.order.token}`)
  expect(order.body).toMatchObject({ paymentStatus: 'paid', totals: { total: { amount: PRICE } } })
  await expectSold(1)
})

test('a second factor that comes after another card has paid takes no money', async () => {
  const cartId = await newCart()
  const asked = await checkout(cartId, 'pm_card_threeDSecure2Required')
  expect((await checkout(cartId, 'pm_card_visa')).status).toBe(201)
  expect(await account.atTheBank(asked.body.action.url, 'succeeded')).toBe(false)
  await notify()
  await expectSold(1)
})

test('money that comes after the checkout has failed goes back by itself', async () => {
  const cartId = await newCart()
  await checkout(cartId, 'pm_card_threeDSecure2Required')
  const { intents } = await account.state()
  const { id, metadata } = intents.at(-1)!
  const failed = { type: 'payment_intent.payment_failed', object: { id, metadata } }
  const { body, signature } = await account.signed(failed)
  expect(await send(body, signature)).toBe(200)
  expect((await readCart(cartId)).status).toBe('open')
  // The bank changes its mind.
  expect(await account.atTheBank(`${stripe.url}/bank/${id}`, 'succeeded')).toBe(true)
  await notify()
  await eventually(
    async () => (await account.state()).intents.at(-1)!.status,
    (status) => status === 'canceled',
    UNDONE_WITHIN_MS,
  )
  await expectSold(0)
})

test('a Stripe that is away is 503, charges nobody, and the same key buys when it is back', async () => {
  const cartId = await newCart()
  const key = randomUUID()
  await account.breakNext({ on: 'POST .*payment_intents', lost: 'answer', times: 4 })
  const away = await checkout(cartId, 'pm_card_visa', key)
  expect([away.status, away.body.code]).toEqual([503, 'payment_provider_unavailable'])
  await account.breakNext()
  expect((await checkout(cartId, 'pm_card_visa', key)).status).toBe(201)
  await eventually(
    async () =>
      (await account.state()).intents
        .filter(({ status }) => status !== 'succeeded')
        .map(({ status }) => status),
    (statuses) => statuses.every((status) => status === 'canceled' || status === 'requires_payment_method'),
    UNDONE_WITHIN_MS,
  )
  await expectSold(1)
})

test('a Stripe that is slower than a checkout may be holds no money in the end', async () => {
  const cartId = await newCart()
  await account.breakNext({ on: 'confirm', delayMs: 9_500, times: 2 })
  expect((await checkout(cartId, 'pm_card_visa')).status).toBe(503)
  await account.breakNext()
  await eventually(
    async () => (await account.state()).intents.at(-1)!.status,
    (status) => status === 'canceled',
    UNDONE_WITHIN_MS,
  )
  await expectSold(0)
})

test('a server that is killed while Stripe answers finishes or undoes the checkout', async () => {
  const cartId = await newCart()
  await account.breakNext({ on: 'confirm', delayMs: 1_500, times: 1 })
  const before = (await account.state()).calls.length
  const asking = checkout(cartId, 'pm_card_visa').catch(() => null)
  await eventually(
    async () => (await account.state()).calls.length,
    (count) => count > before,
    5_000,
  )
  await server.killGroup()
  await asking
  await start()
  const cart = await eventually(
    () => readCart(cartId),
    ({ status }) => status !== 'checking_out',
    UNDONE_WITHIN_MS,
  )
  expect(cart.status).toBe('completed')
  await notify()
  await expectSold(1)
})

test('a notification that Stripe did not sign moves nothing', async () => {
  const cartId = await newCart()
  await checkout(cartId, 'pm_card_threeDSecure2Required')
  const { metadata } = (await account.state()).intents.at(-1)!
  const { body, signature } = await account.signed({
    type: 'payment_intent.succeeded',
    object: { metadata },
  })
  expect(await send(body, '')).toBe(400)
  expect(await send(body, signature.replace(/v1=./, 'v1=x'))).toBe(400)
  expect(await send(body.replace('succeeded', 'succeedet'), signature)).toBe(400)
  expect((await readCart(cartId)).status).toBe('checking_out')
  expect((await checkout(cartId, 'pm_card_visa')).status).toBe(201)
  await expectSold(1)
})

const command = (orderId: string, what: string, body: object = {}) =>
  server.api.must('POST', `/v1/admin/orders/${orderId}/${what}`, { body })

/** The order once its effects at the provider are told. */
function orderOnce(orderId: string, isThere: (order: { status: string; paymentStatus: string }) => boolean) {
  const ask = () => server.api.must<Parameters<typeof isThere>[0]>('GET', `/v1/admin/orders/${orderId}`)
  return eventually(ask, isThere, UNDONE_WITHIN_MS)
}

test('staff refund a part of a payment, once, and the rest', async () => {
  const { body: order } = await checkout(await newCart(), 'pm_card_visa')
  await account.breakNext({ on: 'POST .*refunds', lost: 'answer', times: 3 })
  await command(order.id, 'refunds', { amount: { amount: 300, currency: 'EUR' } })
  await orderOnce(order.id, ({ paymentStatus }) => paymentStatus === 'partially_refunded')
  expect(await account.money()).toBe((sold + 1) * PRICE - 300)
  await command(order.id, 'refunds')
  await orderOnce(order.id, ({ paymentStatus }) => paymentStatus === 'refunded')
  expect((await account.state()).refunds.map(({ amount }) => amount)).toEqual([300, 700])
  await command(order.id, 'cancellation')
  await expectSold(0)
})

test('where staff take the money, what was cancelled before is never taken', async () => {
  await server.api.must('PATCH', '/v1/admin/store', { body: { capture: 'manual' } })
  const cart = await server.api.shop('POST', '/v1/carts', {
    body: { ...SHOPPER, lines: [{ sku: SKU, quantity: 3 }] },
    idempotencyKey: randomUUID(),
  })
  const { body: order } = await checkout(cart.body.id, 'pm_card_visa')
  await server.api.must('PATCH', '/v1/admin/store', { body: { capture: 'automatic' } })
  expect(order.paymentStatus).toBe('authorized')
  expect(await account.money()).toBe(sold * PRICE)
  await command(order.id, 'cancellation', { lines: [{ lineId: 'line_1', quantity: 1 }] })
  await command(order.id, 'captures')
  await orderOnce(order.id, ({ paymentStatus }) => paymentStatus === 'paid')
  await notify()
  await expectSold(2)
})

test('an order paid by hand is pending, and voided when it is cancelled', async () => {
  const placed = await checkout(await newCart(), 'invoice', randomUUID(), 'manual')
  expect([placed.status, placed.body.paymentStatus]).toEqual([201, 'pending'])
  await command(placed.body.id, 'cancellation')
  const order = await orderOnce(placed.body.id, ({ paymentStatus }) => paymentStatus !== 'pending')
  expect([order.status, order.paymentStatus]).toEqual(['cancelled', 'voided'])
  await expectSold(0)
})

test('an order paid by hand is paid when staff say so', async () => {
  const { body: order } = await checkout(await newCart(), 'invoice', randomUUID(), 'manual')
  await command(order.id, 'captures')
  await orderOnce(order.id, ({ paymentStatus }) => paymentStatus === 'paid')
  await command(order.id, 'cancellation')
  await orderOnce(order.id, ({ paymentStatus }) => paymentStatus === 'refunded')
  await expectSold(0)
})

test('no secret and no token of a shopper is in anything that the server said', () => {
  const { STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET } = account.variables
  for (const secret of [STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, 'pm_card']) {
    expect(server.output()).not.toContain(secret)
  }
})
