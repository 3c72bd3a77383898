import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { customerKeyOf } from '../../../worker/carts/customer-key.ts'
import { call, ROOT_KEY, staff, until } from '../../support/api.ts'
import { checkout, READY, received } from '../../support/shop.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }

let sku = ''
let email = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  email = `${crypto.randomUUID()}@hidden.example`
  await sell({ maxPerCustomer: 3 })
  await received(sku, 50)
})
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

async function sell(variant: object, of = sku, store?: string): Promise<void> {
  const variants = [{ sku: of, prices: { EUR: 1000 }, ...variant }]
  const body = { title: of, status: 'active', variants }
  const made = await staff('PUT', `/v1/admin/products/${of.toLowerCase()}`, body, store ? { store } : {})
  expect(made.status, JSON.stringify(made.body)).toBeLessThan(300)
}

/** A cart of this many for whoever `of` is; null: nobody yet. */
function cart(quantity: number, of: string | null = email, more: object = {}) {
  const { contact: _, ...ready } = READY
  const body = { ...ready, ...(of && { contact: { email: of } }), lines: [{ sku, quantity }], ...more }
  return call('POST', '/v1/carts', { body, idempotencyKey: crypto.randomUUID() })
}
const put = (cartId: string, quantity: number) =>
  call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity } })
const patch = (cartId: string, body: object) => call('PATCH', `/v1/carts/${cartId}`, { body })
const read = async (cartId: string) => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

async function madeCart(...args: Parameters<typeof cart>): Promise<string> {
  const made = await cart(...args)
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id
}
async function ordered(...args: Parameters<typeof cart>): Promise<any> {
  const placed = await checkout(await madeCart(...args))
  expect(placed.status, JSON.stringify(placed.body)).toBe(201)
  return placed.body
}

const refused = ({ status, body: { code, lines } }: { status: number; body: any }) => ({
  status,
  code,
  lines,
})
const exceeded = (requested: number, available: number) => ({
  status: 409,
  code: 'customer_limit_exceeded',
  lines: [{ sku, requested, available }],
})

describe('the most one customer may have of a SKU', () => {
  test('is refused above, also while nobody knows who the customer is', async () => {
    expect(refused(await cart(4, null))).toEqual(exceeded(4, 3))
    const cartId = await madeCart(3, null)
    expect(refused(await put(cartId, 4))).toEqual(exceeded(4, 3))
    expect((await read(cartId)).lines[0].quantity).toBe(3)
  })

  test('counts repeated entries of a new cart together', async () => {
    const lines = [
      { sku, quantity: 2 },
      { sku, quantity: 2 },
    ]
    expect(refused(await cart(0, email, { lines }))).toEqual(exceeded(4, 3))
  })

  test('holds over carts, however the email is written, and leaves no cart and no hold behind', async () => {
    await madeCart(2)
    expect(refused(await cart(2, email.toUpperCase()))).toEqual(exceeded(2, 1))
    expect((await stock()).reserved).toBe(2)
    await madeCart(1, email.toUpperCase())
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
    await madeCart(3, `other-${email}`)
  })

  test('holds over past orders; one that is cancelled gives back', async () => {
    const order = await ordered(2)
    testClock.advance(30 * 24 * 3_600_000)
    expect(refused(await cart(2))).toEqual(exceeded(2, 1))
    expect((await staff('POST', `/v1/admin/orders/${order.id}/cancellation`)).status).toBeLessThan(300)
    await ordered(3)
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
  })

  test('is checked when the contact is set: a refusal leaves the cart as it was', async () => {
    await madeCart(2)
    const cartId = await madeCart(2, null)
    const before = await read(cartId)
    expect(refused(await patch(cartId, { contact: { email }, note: 'new' }))).toEqual(exceeded(2, 1))
    expect(await read(cartId)).toEqual(before)
    expect((await put(cartId, 1)).status).toBe(200)
    expect((await patch(cartId, { contact: { email } })).status).toBe(200)
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
  })

  test('is checked for lines that come after the contact', async () => {
    await madeCart(2)
    const cartId = await madeCart(0, email, { lines: [] })
    expect(refused(await put(cartId, 2))).toEqual(exceeded(2, 1))
    expect((await read(cartId)).lines).toEqual([])
    expect((await put(cartId, 1)).status).toBe(200)
    expect((await put(cartId, 0)).status).toBe(200)
    await madeCart(1)
  })

  test('moves with the contact, and comes back when it is cleared or the cart is given up', async () => {
    const cartId = await madeCart(3)
    const other = `other-${email}`
    const blocked = await madeCart(1, other)
    expect(refused(await patch(cartId, { contact: { email: other } }))).toEqual(exceeded(3, 2))
    expect((await read(cartId)).contact.email).toBe(email)
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
    expect((await call('DELETE', `/v1/carts/${blocked}`)).status).toBe(204)
    expect((await patch(cartId, { contact: { email: other } })).status).toBe(200)
    const second = await madeCart(3)
    expect((await patch(second, { contact: null })).status).toBe(200)
    await madeCart(3)
    expect(refused(await cart(1, other))).toEqual(exceeded(1, 0))
  })

  test('comes back when a cart that nobody checks out expires; it may be checked out later all the same', async () => {
    const cartId = await madeCart(3)
    testClock.advance(901_000)
    const second = await madeCart(2)
    expect(refused(await checkout(cartId))).toEqual(exceeded(3, 1))
    expect((await read(cartId)).status).toBe('open')
    expect((await call('DELETE', `/v1/carts/${second}`)).status).toBe(204)
    expect((await checkout(cartId)).status).toBe(201)
  })

  test('is another one in each store', async () => {
    const store = `s-${crypto.randomUUID().slice(0, 8)}`
    expect((await staff('PUT', `/v1/admin/stores/${store}`, { name: 'Other' })).status).toBeLessThan(300)
    await sell({ maxPerCustomer: 3, trackStock: false }, sku, store)
    await ordered(3)
    const body = { ...READY, contact: { email }, lines: [{ sku, quantity: 3 }] }
    expect((await call('POST', '/v1/carts', { body, store })).status).toBe(201)
  })

  test('counts for goods whose stock nobody keeps', async () => {
    await sell({ maxPerCustomer: 1, trackStock: false })
    await ordered(1)
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
  })

  test('is what the catalogue says at checkout', async () => {
    const cartId = await madeCart(3)
    await sell({ maxPerCustomer: 2 })
    expect(refused(await checkout(cartId))).toEqual(exceeded(3, 2))
    expect((await put(cartId, 2)).status).toBe(200)
    expect((await checkout(cartId)).status).toBe(201)
    expect(refused(await cart(1))).toEqual(exceeded(1, 0))
    await sell({ maxPerCustomer: 5 })
    await ordered(3)
    await sell({})
    await ordered(10)
    expect((await stock()).allocated).toBe(15)
  })

  test('gives back what a failed checkout held, and keeps what the cart holds', async () => {
    const cartId = await madeCart(2)
    expect((await checkout(cartId, 'tok_declined')).status).toBe(402)
    expect(refused(await cart(2))).toEqual(exceeded(2, 1))
    testClock.advance(901_000)
    await madeCart(3)
  })

  test('only 3 units are ordered by 20 carts of one email that check out at once', async () => {
    const carts = await Promise.all(Array.from({ length: 20 }, () => cart(1, null)))
    const answers = await Promise.all(
      carts.map(async ({ body: { id } }) => {
        const told = await patch(id, { contact: { email } })
        return told.status === 200 ? checkout(id) : told
      }),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(refused(answer)).toEqual(exceeded(1, 0))
    expect((await stock()).allocated).toBe(3)
  })

  test('is asked again under the same key with the same answer', async () => {
    await madeCart(3)
    const body = { ...READY, contact: { email }, lines: [{ sku, quantity: 1 }] }
    const idempotencyKey = crypto.randomUUID()
    const first = await call('POST', '/v1/carts', { body, idempotencyKey })
    const again = await call('POST', '/v1/carts', { body, idempotencyKey })
    expect(refused(first)).toEqual(exceeded(1, 0))
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
  })
})

describe('a cart that holds at checkout', () => {
  const late = { hold: 'checkout' }

  test('is told of the limit when the contact is set, and takes nothing of it before the checkout', async () => {
    const [one, two] = [await madeCart(3, null, late), await madeCart(3, null, late)]
    expect((await patch(one, { contact: { email } })).status).toBe(200)
    expect((await patch(two, { contact: { email } })).status).toBe(200)
    expect((await checkout(one)).status).toBe(201)
    expect(refused(await checkout(two))).toEqual(exceeded(3, 0))
    const three = await madeCart(1, null, late)
    expect(refused(await patch(three, { contact: { email } }))).toEqual(exceeded(1, 0))
    expect((await read(three)).contact).toBeNull()
    const four = await madeCart(0, email, { ...late, lines: [] })
    expect(refused(await put(four, 1))).toEqual(exceeded(1, 0))
    expect((await stock()).reserved).toBe(0)
  })

  test('gets no more than the limit from 12 checkouts at once', async () => {
    const carts = await Promise.all(Array.from({ length: 12 }, () => madeCart(2, email, late)))
    const answers = await Promise.all(carts.map((id) => checkout(id)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(11).fill(409)])
    expect(await stock()).toMatchObject({ allocated: 2, reserved: 0 })
  })
})

describe('the most one order may have of a SKU', () => {
  const over = (limit: number) => ({ status: 409, code: 'quantity_limit_exceeded', sku, limit })
  const refusedFor = ({ status, body: { code, sku, limit } }: { status: number; body: any }) => {
    return { status, code, sku, limit }
  }

  test('is refused above, by a new cart, summed up, by a line and at checkout', async () => {
    await sell({ maxPerOrder: 2 })
    expect(refusedFor(await cart(3))).toEqual(over(2))
    const lines = [
      { sku, quantity: 1 },
      { sku, quantity: 2 },
    ]
    expect(refusedFor(await cart(0, email, { lines }))).toEqual(over(2))
    const cartId = await madeCart(2)
    expect(refusedFor(await put(cartId, 3))).toEqual(over(2))
    await sell({ maxPerOrder: 1 })
    expect(refusedFor(await checkout(cartId))).toEqual(over(1))
    expect((await put(cartId, 1)).status).toBe(200)
    expect((await checkout(cartId)).status).toBe(201)
    await ordered(1)
  })
})

describe('who a customer is', () => {
  test('is said by a key that the email cannot be read from', async () => {
    const key = await customerKeyOf(env, STORE, { customerId: null, email: ' Ada@Example.COM ' })
    expect(key).toBe(await customerKeyOf(env, STORE, { customerId: null, email: 'ada@example.com' }))
    expect(key).toMatch(/^[0-9a-z]{32}$/)
    const others = [
      customerKeyOf(env, { ...STORE, slug: 'other' }, { customerId: null, email: 'ada@example.com' }),
      customerKeyOf({ ...env, ADMIN_KEY: 'another' }, STORE, { customerId: null, email: 'ada@example.com' }),
      customerKeyOf(env, STORE, { customerId: null, email: 'a.da@example.com' }),
      customerKeyOf(env, STORE, { customerId: null, email: 'ada+x@example.com' }),
      customerKeyOf(env, STORE, { customerId: 'ada@example.com', email: null }),
    ]
    expect(new Set([key, ...(await Promise.all(others))]).size).toBe(6)
    expect(await customerKeyOf(env, STORE, { customerId: null, email: undefined })).toBeNull()
  })

  test('is whoever signed in, whatever email they write', async () => {
    const [one, two] = ['a@b.example', 'c@d.example'].map((email) =>
      customerKeyOf(env, STORE, { customerId: 'cus_1', email }),
    )
    expect(await one).toBe(await two)
  })

  test('is in no event, no record of stock and no log line: neither the email nor its key', async () => {
    const lines: unknown[] = []
    for (const level of ['log', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((...args) => void lines.push(...args))
    }
    const order = await ordered(2)
    await cart(2)
    const cartId = await madeCart(1)
    testClock.advance(901_000)
    const { purchaseId } = parseCartId(cartId)!
    const stub = env.PURCHASE.get(env.PURCHASE.idFromName(`default/${purchaseId}`))
    await runInDurableObject(stub, (purchase) => purchase.alarm())
    await staff('POST', `/v1/admin/orders/${order.id}/cancellation`)
    const key = await customerKeyOf(env, STORE, { customerId: null, email })
    const eventsOf = async () =>
      (await env.EVENTS.prepare('select subject, type, data from events').all<Record<string, string>>())
        .results
    const events = await until(eventsOf, (all) =>
      ['order.cancelled', 'cart.expired'].every((type) => all.some((event) => event.type === type)),
    )
    const items = await env.CATALOGUE.prepare('select * from stock_items').all()
    const orders = await env.ORDERS.prepare('select * from order_items').all()
    const feed = await call('GET', '/v1/events?limit=100', { key: ROOT_KEY })
    const told = JSON.stringify([events, items.results, orders.results, feed.body, lines]).toLowerCase()
    expect(told).not.toContain(email.toLowerCase())
    expect(told).not.toContain(key)
    expect(told).not.toContain('customer/')
  })
})
