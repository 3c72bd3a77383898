import { beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call, staff } from '../../support/api.ts'
import { READY } from '../../support/shop.ts'

const store = `s-${crypto.randomUUID().slice(0, 8)}`
const ADDRESS = READY.shippingAddress

async function make(path: string, body: object): Promise<void> {
  const made = await staff('PUT', path, body, { store })
  expect(made.status, `${path}: ${JSON.stringify(made.body)}`).toBeLessThan(300)
}

beforeAll(async () => {
  expect((await staff('PUT', `/v1/admin/stores/${store}`, { name: 'Markets' })).status).toBeLessThan(300)
  const market = { name: 'UK', countries: ['GB'], currency: 'GBP', locales: ['en'], pricesIncludeTax: false }
  await make('/v1/admin/markets/uk', market)
  const eu = { ...market, name: 'EU', countries: ['DE', 'FR'], currency: 'EUR', locales: ['de', 'en'] }
  await make('/v1/admin/markets/eu', eu)
  await make('/v1/admin/shipping-methods/express', {
    title: 'Express',
    countries: ['DE'],
    prices: { EUR: 990 },
  })
  const variants = [
    { sku: 'BOTH', prices: { EUR: 1000, GBP: 900 }, trackStock: false },
    { sku: 'EURO', prices: { EUR: 500 }, trackStock: false, maxPerOrder: 3 },
  ]
  const options = [{ name: 'Kind', values: ['BOTH', 'EURO'] }]
  await make('/v1/admin/products/mug', {
    title: 'Mug',
    status: 'active',
    translations: { de: { title: 'Becher' } },
    options,
    variants: variants.map((variant) => ({ ...variant, options: { Kind: variant.sku } })),
  })
})

const send = (method: string, path: string, body?: object): Promise<Answer<any>> =>
  call(method, path, { store, ...(body && { body }) })

async function cartIn(market: string, sku?: string): Promise<string> {
  const lines = sku ? [{ sku, quantity: 1 }] : []
  const made = await send('POST', `/v1/carts?market=${market}`, { lines })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id
}

describe('a market', () => {
  test('gives the cart its currency, its prices and its first language', async () => {
    const made = await send('POST', '/v1/carts?market=eu', { lines: [{ sku: 'BOTH', quantity: 1 }] })
    expect(made.body).toMatchObject({ market: 'eu', currency: 'EUR', locale: 'de' })
    expect(made.body.lines[0].title).toContain('Becher')
    const inBody = await send('POST', '/v1/carts?market=eu', { market: 'uk' })
    expect(inBody.body).toMatchObject({ market: 'uk', currency: 'GBP', locale: 'en' })
  })

  test('can be changed: every line has the prices of the new one', async () => {
    const cartId = await cartIn('eu', 'BOTH')
    const moved = await send('PATCH', `/v1/carts/${cartId}`, { market: 'uk' })
    expect(moved.body).toMatchObject({ market: 'uk', currency: 'GBP', locale: 'en' })
    expect(moved.body.lines[0]).toMatchObject({ unitPrice: { amount: 900, currency: 'GBP' } })
    expect(moved.body.lines[0].title).toContain('Mug')
  })

  test('can be spoken in another language', async () => {
    const cartId = await cartIn('eu', 'BOTH')
    const english = await send('PATCH', `/v1/carts/${cartId}`, { locale: 'en' })
    expect(english.body.locale).toBe('en')
    expect(english.body.lines[0].title).toContain('Mug')
  })

  test('takes a language tag for a language and no other text, since orders tell it in their events', async () => {
    const cartId = await cartIn('eu')
    for (const locale of [`de${'-ada'.repeat(20)}`, 'de-', 'Hidden Street 1', '']) {
      for (const [method, path] of [
        ['POST', '/v1/carts'],
        ['PATCH', `/v1/carts/${cartId}`],
      ] as const) {
        const refused = await send(method, path, { locale })
        expect([locale, refused.status, refused.body.errors?.[0].path]).toEqual([locale, 400, '/locale'])
      }
    }
    expect((await send('PATCH', `/v1/carts/${cartId}`, { locale: 'de-at' })).body.locale).toBe('de-AT')
  })

  test('without a price for a line refuses it, whether the line comes or the cart moves', async () => {
    const put = await send('PUT', `/v1/carts/${await cartIn('uk')}/lines/EURO`, { quantity: 1 })
    expect([put.status, put.body.code, put.body.sku]).toEqual([409, 'currency_not_in_market', 'EURO'])
    const made = await send('POST', '/v1/carts?market=uk', { lines: [{ sku: 'EURO', quantity: 1 }] })
    expect([made.status, made.body.code]).toEqual([409, 'currency_not_in_market'])
    const cartId = await cartIn('eu', 'EURO')
    const moved = await send('PATCH', `/v1/carts/${cartId}`, { market: 'uk' })
    expect([moved.status, moved.body.code, moved.body.sku]).toEqual([409, 'currency_not_in_market', 'EURO'])
    expect((await send('GET', `/v1/carts/${cartId}`)).body.market).toBe('eu')
  })

  test('refuses an address outside its countries, and names both', async () => {
    const shippingAddress = { ...ADDRESS, country: 'US' }
    const refused = await send('PATCH', `/v1/carts/${await cartIn('eu')}`, { shippingAddress })
    expect([refused.status, refused.body.code]).toEqual([409, 'country_not_in_market'])
    expect(refused.body).toMatchObject({ country: 'US', market: 'eu' })
  })

  test('offers the shipping methods that its currency and the address allow', async () => {
    const cartId = await cartIn('eu')
    const codes = async () =>
      (await send('GET', `/v1/carts/${cartId}/shipping-methods`)).body.items.map(
        ({ code }: { code: string }) => code,
      )
    expect(await codes()).toContain('express')
    await send('PATCH', `/v1/carts/${cartId}`, { shippingAddress: { ...ADDRESS, country: 'FR' } })
    expect(await codes()).not.toContain('express')
    const refused = await send('PATCH', `/v1/carts/${cartId}`, { shippingMethod: 'express' })
    expect([refused.status, refused.body.code]).toEqual([409, 'shipping_method_unavailable'])
  })
})

describe('a line', () => {
  test('above what one order may have is refused with the limit', async () => {
    const put = await send('PUT', `/v1/carts/${await cartIn('eu')}/lines/EURO`, { quantity: 4 })
    expect([put.status, put.body.code]).toEqual([409, 'quantity_limit_exceeded'])
    expect(put.body).toMatchObject({ sku: 'EURO', limit: 3 })
  })

  test('keeps its properties until new ones come', async () => {
    const path = `/v1/carts/${await cartIn('eu')}/lines/BOTH`
    await send('PUT', path, { quantity: 1, properties: { engraving: 'Ada' } })
    expect((await send('PUT', path, { quantity: 2 })).body.lines[0].properties).toEqual({ engraving: 'Ada' })
    const changed = await send('PUT', path, { quantity: 2, properties: { engraving: 'Bob' } })
    expect(changed.body.lines[0].properties).toEqual({ engraving: 'Bob' })
  })

  test('of 1,001 is refused', async () => {
    const lines = Array.from({ length: 1001 }, (_, i) => ({ sku: `S${i}`, quantity: 1 }))
    expect((await send('POST', '/v1/carts', { lines })).body.errors[0].path).toBe('/lines')
  })
})
