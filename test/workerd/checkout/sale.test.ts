import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, READY, readyCart, stocked } from '../../support/shop.ts'

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})
afterEach(() => testClock.reset())

async function sellBetween(saleStartsAt: string | null, saleEndsAt: string | null): Promise<void> {
  const policy = { safetyStock: 0, backorderLimit: 0, saleStartsAt, saleEndsAt }
  const put = await staff('PUT', `/v1/admin/stock/${sku}/policy`, policy)
  expect(put.status, JSON.stringify(put.body)).toBe(200)
}
const inHours = (hours: number) => new Date(now() + hours * 3_600_000).toISOString()
const put = (cartId: string, quantity: number) =>
  call('PUT', `/v1/carts/${cartId}/lines/${sku}`, { body: { quantity } })
const shown = async () => (await call('GET', `/v1/availability?sku=${sku}`)).body.items[0]

describe('outside of its sale a SKU', () => {
  test('shows nothing available, and a cart or line that wants it is 409 with when the sale is', async () => {
    const sale = { saleStartsAt: inHours(1), saleEndsAt: inHours(2) }
    await sellBetween(sale.saleStartsAt, sale.saleEndsAt)
    expect(await shown()).toMatchObject({ available: 0, status: 'out_of_stock' })
    const made = await readyCart([{ sku, quantity: 1 }])
    expect([made.status, made.body.code]).toEqual([409, 'not_on_sale'])
    expect(made.body).toMatchObject({ sku, ...sale })
    const empty = await call('POST', '/v1/carts', { body: READY })
    const line = await put(empty.body.id, 1)
    expect([line.status, line.body.code]).toEqual([409, 'not_on_sale'])
    expect(line.body).toMatchObject({ sku, ...sale })
    testClock.advance(3_600_000)
    expect(await shown()).toMatchObject({ available: 5 })
    expect((await put(empty.body.id, 1)).status).toBe(200)
  })

  test('is refused at checkout to a cart that holds nothing of it, and sold to one that does', async () => {
    await sellBetween(null, inHours(0.1))
    const body = { ...READY, lines: [{ sku, quantity: 1 }] }
    const held = await call('POST', '/v1/carts', { body })
    const late = await call('POST', '/v1/carts', { body: { ...body, hold: 'checkout' } })
    expect([held.status, late.status]).toEqual([201, 201])
    testClock.advance(360_001)
    const key = crypto.randomUUID()
    const refused = await checkout(late.body.id, 'tok_ok', key)
    expect([refused.status, refused.body.code, refused.body.sku]).toEqual([409, 'not_on_sale', sku])
    const again = await checkout(late.body.id, 'tok_ok', key)
    expect(again.body).toEqual(refused.body)
    expect((await checkout(held.body.id)).status).toBe(201)
  })
})

describe('a bundle', () => {
  test('is available as often as its scarcest item, and is sold to the last one', async () => {
    const [cup, lid] = [`${sku}-CUP`, `${sku}-LID`]
    await stocked(cup, 7)
    await stocked(lid, 3)
    const set = `${sku}-SET`
    const stock = [
      { item: cup, quantity: 2 },
      { item: lid, quantity: 1 },
    ]
    const body = { title: 'Set', status: 'active', variants: [{ sku: set, prices: { EUR: 900 }, stock }] }
    expect((await staff('PUT', `/v1/admin/products/${set.toLowerCase()}`, body)).status).toBeLessThan(300)
    const available = async () => {
      const { items } = (await call('GET', `/v1/availability?sku=${set}`)).body
      return items[0].available
    }
    expect(await available()).toBe(3)
    await readyCart([{ sku: cup, quantity: 2 }])
    testClock.advance(2_000)
    expect(await available()).toBe(2)
    const buyers = await Promise.all(Array.from({ length: 6 }, () => readyCart([{ sku: set, quantity: 1 }])))
    const winners = buyers.filter(({ status }) => status === 201)
    expect(winners.length).toBeGreaterThan(0)
    const placed = await Promise.all(winners.map((cart) => checkout(cart.body.id)))
    for (const { status } of placed) expect(status).toBe(201)
    const rest = 2 - winners.length
    expect((await staff('GET', `/v1/admin/stock/${lid}`)).body).toMatchObject({
      reserved: 0,
      allocated: winners.length,
    })
    if (rest > 0) expect((await readyCart([{ sku: set, quantity: rest }])).status).toBe(201)
    expect((await readyCart([{ sku: set, quantity: 1 }])).body.code).toBe('insufficient_stock')
  })
})
