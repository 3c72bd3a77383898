import { describe, expect, test } from 'vitest'
import { call, staff } from '../../support/api.ts'

const path = (code: string) => `/v1/admin/discounts/${code}`
const put = (code: string, body: object, store?: string) =>
  staff('PUT', path(code), body, store ? { store } : {})
const newStore = async () => {
  const store = `shop-${crypto.randomUUID().slice(0, 8)}`
  expect((await staff('PUT', `/v1/admin/stores/${store}`, {})).status).toBe(200)
  return store
}

describe('a discount of a store', () => {
  test('is answered whole, with what was left out, and read, listed and deleted as other settings are', async () => {
    const store = await newStore()
    const whole = {
      code: 'summer',
      title: 'summer',
      kind: 'percentage',
      value: '0.10',
      appliesTo: null,
      limits: { minimumSpend: null, markets: [], uses: null, usesPerCustomer: null },
      isAutomatic: false,
      isCombinable: false,
      startsAt: null,
      endsAt: null,
    }
    expect((await put('summer', { kind: 'percentage', value: '0.10' }, store)).body).toEqual(whole)
    await put('ship', { kind: 'free_shipping', isAutomatic: true }, store)
    const here = { store }
    expect((await staff('GET', path('summer'), undefined, here)).body).toEqual(whole)
    const list = await staff('GET', '/v1/admin/discounts?limit=1', undefined, here)
    expect(list.body.items.map(({ code }: { code: string }) => code)).toEqual(['ship'])
    const rest = await staff('GET', `/v1/admin/discounts?cursor=${list.body.nextCursor}`, undefined, here)
    expect(rest.body).toEqual({ items: [whole], nextCursor: null })
    expect((await staff('GET', path('summer'))).body.code).toBe('discount_not_found')
    expect((await staff('DELETE', path('summer'), undefined, here)).status).toBe(204)
    expect((await staff('DELETE', path('summer'), undefined, here)).status).toBe(204)
    expect((await staff('GET', path('summer'), undefined, here)).status).toBe(404)
  })

  test.each<[string, object]>([
    ['of an unknown kind', { kind: 'gift', value: '0.1' }],
    ['of no part', { kind: 'percentage', value: '0.00' }],
    ['of more than the whole', { kind: 'percentage', value: '1.01' }],
    ['of a part that is a number', { kind: 'percentage', value: 0.1 }],
    ['of no amount', { kind: 'fixed', value: {} }],
    ['of a negative amount', { kind: 'fixed', value: { EUR: -1 } }],
    ['with a value that its kind has not', { kind: 'free_shipping', value: '0.1' }],
    ['that gives nothing', { kind: 'buy_x_get_y', value: { buy: 1, get: 0 } }],
    ['for nothing', { kind: 'percentage', value: '0.1', appliesTo: {} }],
    [
      'for more than 100 things',
      {
        kind: 'percentage',
        value: '0.1',
        appliesTo: { skus: Array.from({ length: 100 }, (_, i) => `S${i}`), products: ['p'] },
      },
    ],
    ['without a use', { kind: 'percentage', value: '0.1', limits: { uses: 0 } }],
    [
      'given by itself with uses',
      { kind: 'percentage', value: '0.1', isAutomatic: true, limits: { uses: 1 } },
    ],
    [
      'that ends before it starts',
      { kind: 'percentage', value: '0.1', startsAt: '2026-02-01', endsAt: '2026-01-01T00:00:00Z' },
    ],
    ['with a member that nobody knows', { kind: 'percentage', value: '0.1', colour: 'red' }],
  ])('%s is malformed', async (_, body) => {
    const answer = await put('bad', body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(400)
    expect(answer.body.errors.length).toBeGreaterThan(0)
  })

  test('for 100 things is taken', async () => {
    const appliesTo = { skus: Array.from({ length: 99 }, (_, i) => `S${i}`), products: ['p'] }
    expect((await put('wide', { kind: 'percentage', value: '1', appliesTo })).status).toBe(200)
    await staff('DELETE', path('wide'))
  })

  test('that is given by itself is one of 20 at the most', async () => {
    const store = await newStore()
    const body = { kind: 'free_shipping', isAutomatic: true }
    for (let i = 0; i < 20; i++) expect((await put(`d${i}`, body, store)).status).toBe(200)
    expect((await put('d20', body, store)).body).toMatchObject({ code: 'limit_reached', limit: 20 })
    expect((await put('d0', body, store)).status).toBe(200)
    expect((await put('d20', { kind: 'free_shipping' }, store)).status).toBe(200)
    expect((await put('d20', body, store)).status).toBe(409)
  })

  test('is for keys that may write settings', async () => {
    const { body } = await staff('POST', '/v1/admin/api-keys', { name: 'reader', scopes: ['orders:read'] })
    const refused = await call('PUT', path('mine'), { body: { kind: 'free_shipping' }, key: body.key })
    expect(refused.status).toBe(403)
  })
})

test('a tax rate says whether a business abroad owes it itself', async () => {
  const rate = { country: 'FR', rate: '0.2' }
  expect((await staff('PUT', '/v1/admin/tax-rates/fr-b2b', rate)).body.isReverseCharge).toBe(false)
  await staff('PUT', '/v1/admin/tax-rates/fr-b2b', { ...rate, isReverseCharge: true })
  expect((await staff('GET', '/v1/admin/tax-rates/fr-b2b')).body.isReverseCharge).toBe(true)
  await staff('DELETE', '/v1/admin/tax-rates/fr-b2b')
})
