import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { loadStore } from '../../../worker/stores/load-store.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, READY, stocked } from '../../support/shop.ts'

let sku = ''
let code = ''
beforeEach(async () => {
  const unique = crypto.randomUUID().slice(0, 8)
  sku = `SKU-${unique}`
  code = `code-${unique}`
  await stocked(sku, 100, 1000)
})
afterEach(() => testClock.reset())

async function offer(body: object, of = code): Promise<void> {
  const put = await staff('PUT', `/v1/admin/discounts/${of}`, body)
  expect(put.status, JSON.stringify(put.body)).toBe(200)
}
const withdraw = (of = code) => staff('DELETE', `/v1/admin/discounts/${of}`)

async function cart(more: object = {}): Promise<string> {
  const contact = { email: `${crypto.randomUUID()}@example.com` }
  const body = { lines: [{ sku, quantity: 2 }], ...READY, contact, ...more }
  const made = await call('POST', '/v1/carts', { body, idempotencyKey: crypto.randomUUID() })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id
}
const path = (cartId: string, of = code) => `/v1/carts/${cartId}/discounts/${of}`
const apply = (cartId: string, of = code) => call('PUT', path(cartId, of))
const remove = (cartId: string, of = code) => call('DELETE', path(cartId, of))
const read = async (cartId: string) => (await call('GET', `/v1/carts/${cartId}`)).body

async function cartWith(more: object = {}): Promise<string> {
  const cartId = await cart(more)
  const applied = await apply(cartId)
  expect(applied.status, JSON.stringify(applied.body)).toBe(200)
  return cartId
}
const refused = ({ status, body: { code: problem, reason, discount } }: { status: number; body: any }) => ({
  status,
  code: problem,
  reason,
  discount,
})
const unavailable = (reason: string) => ({
  status: 409,
  code: 'discount_unavailable',
  reason,
  discount: code,
})
const EUR = (amount: number) => ({ amount, currency: 'EUR' })

describe('a discount code', () => {
  test('comes off the cart as it is applied and on again as it is removed, however often', async () => {
    await offer({ kind: 'percentage', value: '0.10', title: 'Ten' })
    const cartId = await cart()
    const before = await read(cartId)
    for (const spelled of [code, code.toUpperCase()]) {
      const { status, body } = await apply(cartId, spelled)
      expect(status).toBe(200)
      expect(body.discounts).toEqual([
        { code, title: 'Ten', amount: EUR(200), target: 'lines', isAutomatic: false },
      ])
      expect(body.totals).toMatchObject({ subtotal: EUR(2000), discount: EUR(200), total: EUR(1800) })
      expect(body.lines[0]).toMatchObject({ discount: EUR(200), total: EUR(1800), unitPrice: EUR(1000) })
    }
    expect((await remove(cartId)).body).toMatchObject({ discounts: [], totals: before.totals })
    expect((await remove(cartId)).status).toBe(200)
  })

  test('that nobody knows, or that is given by itself, is not found; nor is a cart that is not there', async () => {
    const cartId = await cart()
    expect(refused(await apply(cartId)).code).toBe('discount_not_found')
    await offer({ kind: 'percentage', value: '0.10', isAutomatic: true, appliesTo: { skus: ['nothing'] } })
    expect(refused(await apply(cartId)).code).toBe('discount_not_found')
    await offer({ kind: 'percentage', value: '0.10' })
    expect(refused(await apply('cart_x')).code).toBe('cart_not_found')
    expect((await apply(cartId, '%20')).status).toBe(400)
    expect((await apply(cartId, 'a'.repeat(101))).status).toBe(400)
  })

  test('stays with a notice while the cart does not fit it, and gives as soon as it does', async () => {
    await offer({ kind: 'fixed', value: { EUR: 500 }, limits: { minimumSpend: { EUR: 3000 } } })
    const cartId = await cartWith()
    const idle = await read(cartId)
    expect(idle.discounts).toMatchObject([{ code, amount: EUR(0) }])
    expect(idle.notices).toMatchObject([{ code: 'discount_not_applied', path: '/discounts/0' }])
    const more = await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 3 } })
    expect(more.body).toMatchObject({ notices: [], totals: { discount: EUR(500), total: EUR(2500) } })
  })

  test('is refused before its start and after its end', async () => {
    const day = 86_400_000
    const instant = (days: number) => new Date(Date.now() + days * day).toISOString()
    await offer({ kind: 'percentage', value: '0.1', startsAt: instant(1), endsAt: instant(2) })
    const cartId = await cart()
    expect(refused(await apply(cartId))).toEqual(unavailable('not_started'))
    testClock.advance(1.5 * day)
    expect((await apply(cartId)).status).toBe(200)
    testClock.advance(day)
    expect(refused(await apply(cartId))).toEqual(unavailable('ended'))
    expect((await read(cartId)).discounts).toMatchObject([{ amount: EUR(0) }])
  })

  test('and another that does not combine with it are refused together; what combines is given together', async () => {
    const [a, b] = [`${code}-a`, `${code}-b`]
    await offer({ kind: 'percentage', value: '0.1' })
    await offer({ kind: 'percentage', value: '0.5', isCombinable: true }, a)
    await offer({ kind: 'fixed', value: { EUR: 100 }, isCombinable: true }, b)
    const cartId = await cartWith()
    expect(refused(await apply(cartId, a))).toEqual({ ...unavailable('not_combinable'), discount: a })
    expect((await read(cartId)).discounts).toHaveLength(1)
    await remove(cartId)
    await apply(cartId, a)
    expect((await apply(cartId, b)).body.totals).toMatchObject({ discount: EUR(1100), total: EUR(900) })
    expect(refused(await apply(cartId))).toEqual(unavailable('not_combinable'))
  })

  test('takes no use and gives nothing where a better one is given by itself', async () => {
    await offer({ kind: 'percentage', value: '0.1', limits: { uses: 1 } })
    const everybody = `${code}-all`
    await offer(
      { kind: 'percentage', value: '0.3', isAutomatic: true, appliesTo: { skus: [sku] } },
      everybody,
    )
    const placed = await checkout(await cartWith())
    expect(placed.body.discounts).toEqual([
      { code: everybody, title: everybody, amount: EUR(600), target: 'lines', isAutomatic: true },
    ])
    await withdraw(everybody)
    expect((await checkout(await cartWith())).body.totals).toMatchObject({ discount: EUR(200) })
    expect(refused(await apply(await cart()))).toEqual(unavailable('used_up'))
  })

  test('is written into the order, line by line, and into what is paid', async () => {
    await offer({ kind: 'fixed', value: { EUR: 333 } })
    const { status, body: order } = await checkout(await cartWith())
    expect(status).toBe(201)
    expect(order).toMatchObject({
      lines: [{ discount: EUR(333), total: EUR(1667) }],
      discounts: [{ code, amount: EUR(333) }],
      totals: { subtotal: EUR(2000), discount: EUR(333), total: EUR(1667) },
      payments: [{ amount: EUR(1667), captured: EUR(1667) }],
    })
  })

  test('of the whole makes an order that is paid without a payment', async () => {
    await offer({ kind: 'percentage', value: '1' })
    const { body: order } = await checkout(await cartWith())
    expect(order).toMatchObject({ paymentStatus: 'paid', payments: [], totals: { total: EUR(0) } })
  })

  test('is shown by the cart as it was paid, also after it has ended', async () => {
    const endsAt = new Date(Date.now() + 3_600_000).toISOString()
    await offer({ kind: 'percentage', value: '0.5', endsAt })
    const cartId = await cartWith()
    const { body: order } = await checkout(cartId)
    testClock.advance(7_200_000)
    expect(await read(cartId)).toMatchObject({ totals: order.totals, notices: [], discounts: [{ code }] })
  })

  test('is one of ten at the most', async () => {
    const cartId = await cart()
    const codes = Array.from({ length: 11 }, (_, index) => `${code}-${index}`)
    for (const one of codes) {
      await offer({ kind: 'fixed', value: { EUR: 1 }, isCombinable: true }, one)
      const { status, body } = await apply(cartId, one)
      if (one === codes[10]) expect(body).toMatchObject({ code: 'cart_full', limit: 10 })
      else expect(status).toBe(200)
    }
    expect((await apply(cartId, codes[3])).status).toBe(200)
    expect((await read(cartId)).totals.discount).toEqual(EUR(10))
  })

  test('counts for the categories above the one that the product was put in', async () => {
    const [parent, child] = [`${code}-parent`, `${code}-child`]
    await staff('PUT', `/v1/admin/categories/${parent}`, { name: 'Parent' })
    await staff('PUT', `/v1/admin/categories/${child}`, { name: 'Child', parent })
    const product = {
      title: sku,
      status: 'active',
      categories: [child],
      variants: [{ sku, prices: { EUR: 1000 } }],
    }
    expect((await staff('PUT', `/v1/admin/products/${sku.toLowerCase()}`, product)).status).toBe(200)
    await offer({ kind: 'percentage', value: '0.1', appliesTo: { categories: [parent] } })
    expect((await read(await cartWith())).totals.discount).toEqual(EUR(200))
    await offer({ kind: 'percentage', value: '0.1', appliesTo: { categories: [`${code}-other`] } })
    expect((await read(await cartWith())).totals.discount).toEqual(EUR(0))
  })
})

describe('checkout', () => {
  test('takes off what the discount is worth today, and charges no other total than expected', async () => {
    await offer({ kind: 'percentage', value: '0.5' })
    const cartId = await cartWith()
    await offer({ kind: 'percentage', value: '0.1' })
    const payment = { provider: 'test', token: 'tok_ok' }
    const expected = await call('POST', `/v1/carts/${cartId}/checkout`, {
      body: { payment, expectedTotal: EUR(1000) },
      idempotencyKey: crypto.randomUUID(),
    })
    expect(expected).toMatchObject({ status: 409, body: { code: 'total_changed', total: EUR(1800) } })
    expect((await checkout(cartId)).body.totals.total).toEqual(EUR(1800))
  })

  test('tells of a code that is withdrawn before anything is charged, once', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { uses: 1 } })
    const cartId = await cartWith()
    await withdraw()
    await loadStore(env, 'default')
    expect(refused(await checkout(cartId))).toEqual(unavailable('withdrawn'))
    expect(await read(cartId)).toMatchObject({ status: 'open', discounts: [], totals: { total: EUR(2000) } })
    expect((await checkout(cartId)).body.totals.total).toEqual(EUR(2000))
  })
})

describe('uses', () => {
  test('are as many orders as there may be, whoever comes at once', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { uses: 5 } })
    const carts = await Promise.all(Array.from({ length: 20 }, () => cart({ hold: 'checkout' })))
    // Carts that hold at checkout only: all may try, and five are served.
    const applied = await Promise.all(carts.map((cartId) => apply(cartId)))
    expect(new Set(applied.map(({ status }) => status))).toEqual(new Set([200]))
    const answers = await Promise.all(carts.map((cartId) => checkout(cartId)))
    const placed = answers.filter(({ status }) => status === 201)
    expect(placed).toHaveLength(5)
    for (const { body } of placed) expect(body.totals.discount).toEqual(EUR(1000))
    for (const answer of answers) {
      if (answer.status !== 201) expect(refused(answer)).toEqual(unavailable('used_up'))
    }
    expect((await staff('GET', `/v1/admin/stock/${sku}`)).body).toMatchObject({ allocated: 10, reserved: 0 })
  })

  test('are held as the code is applied: the sixth of twenty carts is refused, and so on', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { uses: 5 } })
    const carts = await Promise.all(Array.from({ length: 20 }, () => cart()))
    const applied = await Promise.all(carts.map((cartId) => apply(cartId)))
    expect(applied.filter(({ status }) => status === 200)).toHaveLength(5)
    const orders = await Promise.all(carts.map((cartId) => checkout(cartId)))
    expect(orders.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(orders.filter(({ body }) => body.totals.discount.amount > 0)).toHaveLength(5)
  })

  test('come back when a code is removed, a cart is abandoned or expires, and an order is cancelled', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { uses: 1 } })
    const first = await cartWith()
    const second = await cart()
    expect(refused(await apply(second))).toEqual(unavailable('used_up'))
    await remove(first)
    expect((await apply(second)).status).toBe(200)
    await call('DELETE', `/v1/carts/${second}`)
    await cartWith()
    testClock.advance(901_000)
    const { body: order } = await checkout(await cartWith())
    expect(refused(await apply(await cart()))).toEqual(unavailable('used_up'))
    expect((await staff('POST', `/v1/admin/orders/${order.id}/cancellation`)).status).toBeLessThan(300)
    await cartWith()
  })

  test('that are not held any more are said, and held again with the code if there are some', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { uses: 1 } })
    const cartId = await cartWith()
    expect((await read(cartId)).notices).toEqual([])
    testClock.advance(901_000)
    const notices = (await read(cartId)).notices.map(({ code: notice }: { code: string }) => notice)
    expect(notices).toEqual(['hold_expired', 'discount_hold_expired'])
    await call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity: 2 } })
    expect((await apply(cartId)).body.notices).toEqual([])
    expect(refused(await apply(await cart()))).toEqual(unavailable('used_up'))
  })

  test('of one customer are counted over carts and orders, also when the contact comes later', async () => {
    await offer({ kind: 'percentage', value: '0.5', limits: { usesPerCustomer: 1 } })
    const contact = { email: `${crypto.randomUUID()}@example.com` }
    expect((await checkout(await cartWith({ contact }))).status).toBe(201)
    expect(refused(await apply(await cart({ contact })))).toEqual(unavailable('used_by_customer'))
    const unnamed = await cartWith({ contact: null })
    const named = await call('PATCH', `/v1/carts/${unnamed}`, { body: { contact } })
    expect(refused(named)).toEqual(unavailable('used_by_customer'))
    const other = { email: `other-${contact.email}` }
    expect((await call('PATCH', `/v1/carts/${unnamed}`, { body: { contact: other } })).status).toBe(200)
    expect((await checkout(unnamed)).status).toBe(201)
  })

  test('are not taken by an order that the code gave nothing', async () => {
    const limits = { uses: 1, minimumSpend: { EUR: 2500 } }
    await offer({ kind: 'percentage', value: '0.5', limits })
    expect((await checkout(await cartWith())).body.discounts).toEqual([])
    const enough = await cartWith({ lines: [{ sku, quantity: 3 }] })
    expect((await checkout(enough)).body.totals.discount).toEqual(EUR(1500))
  })
})
