import { exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseOrderId } from '../../../schema/ids.ts'
import { call, ROOT_KEY, staff, until } from '../../support/api.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }
const TOKENLESS = ({ token: _, ...order }: Record<string, unknown>) => order

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})

async function place(quantity = 1) {
  const { body: cart } = await readyCart([{ sku, quantity }])
  const placed = await checkout(cart.id)
  expect(placed.status, JSON.stringify(placed.body)).toBe(201)
  return placed.body
}

const BY_CUSTOMER = { reason: 'customer' }
const cancel = (id: string, options: object = {}, body: unknown = BY_CUSTOMER) =>
  staff('POST', `/v1/admin/orders/${id}/cancellation`, body, options)
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('an order', () => {
  test('is read with its token, in the header or in the address, and never without', async () => {
    const { token, ...order } = await place()
    const path = `/v1/orders/${order.id}`
    for (const read of [
      await call('GET', path, { headers: { 'Order-Token': token } }),
      await call('GET', `${path}?token=${token}`),
    ]) {
      expect([read.status, read.body]).toEqual([200, order])
      expect(read.headers.get('ETag')).toBe(`"${order.version}"`)
      expect(read.headers.get('Cache-Control')).toBe('no-store')
    }
    for (const refused of [
      await call('GET', path),
      await call('GET', `${path}?token=`),
      await call('GET', `${path}?token=${token}x`),
      await call('GET', path, { headers: { 'Order-Token': 'null' } }),
      await call('GET', `/v1/orders/ord_${'0'.repeat(28)}?token=${token}`),
      await call('GET', `/v1/orders/nonsense?token=${token}`),
    ]) {
      expect([refused.status, refused.body.code]).toEqual([404, 'order_not_found'])
    }
  })

  test('does not exist in another store, for shoppers and for staff', async () => {
    const order = await place()
    const store = `s-${crypto.randomUUID().slice(0, 8)}`
    await staff('PUT', `/v1/admin/stores/${store}`, { name: 'Other' })
    const answers = [
      await call('GET', `/v1/orders/${order.id}?token=${order.token}`, { store }),
      await staff('GET', `/v1/admin/orders/${order.id}`, undefined, { store }),
      await cancel(order.id, { store }),
    ]
    for (const { status, body } of answers) expect([status, body.code]).toEqual([404, 'order_not_found'])
    expect((await staff('GET', '/v1/admin/orders', undefined, { store })).body.items).toEqual([])
  })

  test('is not there for staff without a key', async () => {
    const { id } = await place()
    for (const [method, path] of [
      ['GET', '/v1/admin/orders'],
      ['GET', `/v1/admin/orders/${id}`],
      ['POST', `/v1/admin/orders/${id}/cancellation`],
    ] as const) {
      expect((await call(method, path)).status).toBe(401)
      expect((await call(method, path, { key: 'hfk_wrong' })).status).toBe(401)
    }
  })
})

describe('the list of orders', () => {
  test('has an order moments after it was placed, whole and without its token', async () => {
    const order = await place(2)
    const { body } = await until(
      () => staff('GET', `/v1/admin/orders?sku=${sku}`),
      ({ body }) => body.items.length === 1 && body.items[0].version === order.version,
    )
    expect(body).toEqual({ items: [TOKENLESS(order)], nextCursor: null })
    const read = await staff('GET', `/v1/admin/orders/${order.id}`)
    const { timeline, ...shown } = read.body
    expect(shown).toEqual(TOKENLESS(order))
    expect(timeline).toMatchObject([{ at: order.placedAt, actor: 'customer', what: 'placed' }])
  })

  test('is paged by cursor, newest first', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.unshift((await place()).id)
    const path = `/v1/admin/orders?sku=${sku}`
    await until(
      () => staff('GET', path),
      ({ body }) => body.items.length === 3,
    )
    const seen: string[] = []
    let next: string | null = `${path}&limit=2`
    while (next) {
      const page: { body: any; headers: Headers } = await staff('GET', next)
      seen.push(...page.body.items.map(({ id }: { id: string }) => id))
      next = /<(.*)>; rel="next"/.exec(page.headers.get('Link') ?? '')?.[1] ?? null
      expect(next === null).toBe(page.body.nextCursor === null)
    }
    expect(seen).toEqual(ids)
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'status=lost',
    'since=yesterday',
    'email=nobody',
    'number=%00',
    'sku=',
  ])('refuses the parameter %s', async (query) => {
    const refused = await staff('GET', `/v1/admin/orders?${query}`)
    expect([refused.status, refused.body.code]).toEqual([400, 'malformed_request'])
  })

  test('refuses a cursor that is not one of ours', async () => {
    for (const cursor of ['x', '%00', 'WzFd', 'bnVsbA'])
      expect((await staff('GET', `/v1/admin/orders?cursor=${cursor}`)).body.code).toBe('cursor_invalid')
  })
})

describe('a cancellation', () => {
  test('gives the stock back and the money, once', async () => {
    const order = await place(2)
    expect((await stock()).allocated).toBe(2)
    const idempotencyKey = crypto.randomUUID()
    const done = await cancel(order.id, { idempotencyKey })
    expect(done.status, JSON.stringify(done.body)).toBe(200)
    expect(done.body).toMatchObject({ status: 'cancelled', cancellation: { reason: 'customer' } })
    expect(done.body).not.toHaveProperty('token')
    const again = await cancel(order.id, { idempotencyKey })
    expect([again.status, again.body]).toEqual([200, done.body])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    await exports.Background.runEffects(STORE, parseOrderId(order.id)!)
    const settled = await until(
      () => staff('GET', `/v1/admin/orders/${order.id}`),
      ({ body }) => body.paymentStatus === 'refunded',
    )
    expect(settled.body.lines[0]).toMatchObject({ quantity: 2, cancelled: 2 })
    const levels = await until(stock, ({ allocated }) => allocated === 0)
    expect(levels).toMatchObject({ onHand: 5, reserved: 0, available: 5 })
  })

  test('of a cancelled order is refused under another key', async () => {
    const { id } = await place()
    expect((await cancel(id)).status).toBe(200)
    const idempotencyKey = crypto.randomUUID()
    const refused = await cancel(id, { idempotencyKey })
    expect([refused.status, refused.body.code]).toEqual([409, 'order_state_conflict'])
    const again = await cancel(id, { idempotencyKey })
    expect(JSON.stringify(again.body)).toBe(JSON.stringify(refused.body))
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
  })

  test('with If-Match happens only to the version that the caller saw', async () => {
    const { id, version } = await place()
    for (const seen of [`"${version + 1}"`, `W/"${version}"`, 'x']) {
      const refused = await cancel(id, { headers: { 'If-Match': seen } })
      expect([refused.status, refused.body.code]).toEqual([412, 'precondition_failed'])
    }
    const { headers } = await staff('GET', `/v1/admin/orders/${id}`)
    const done = await cancel(id, { headers: { 'If-Match': headers.get('ETag')! } })
    expect(done.status).toBe(200)
    expect(done.headers.get('ETag')).toBe(`"${done.body.version}"`)
  })

  test('needs a key, takes no body as no reason, and refuses members it does not know', async () => {
    const { id } = await place()
    const path = `/v1/admin/orders/${id}/cancellation`
    expect((await call('POST', path, { key: ROOT_KEY })).body.code).toBe('idempotency_key_missing')
    expect((await cancel(id, {}, { why: 'x' })).status).toBe(400)
    const done = await staff('POST', path)
    expect([done.status, done.body.cancellation.reason]).toEqual([200, null])
  })

  test('of an order that is not there is 404', async () => {
    expect((await cancel(`ord_${'0'.repeat(28)}`)).body.code).toBe('order_not_found')
    expect((await cancel('nonsense')).body.code).toBe('order_not_found')
  })
})
