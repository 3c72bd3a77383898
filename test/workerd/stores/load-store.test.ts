import { env, exports } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { loadStore } from '../../../worker/stores/load-store.ts'
import { marketOf, shippingPriceIn, termsOf } from '../../../worker/stores/store.ts'
import { call, staff } from '../../support/api.ts'

/** The bindings with a catalogue database that does not answer. */
const down = {
  ...env,
  CATALOGUE: new Proxy(env.CATALOGUE, {
    get: () => () => {
      throw new Error('D1_ERROR: down')
    },
  }),
}

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/known', { name: 'Known', hostnames: ['known.example'] })
})
afterEach(() => testClock.reset())

describe('a store in memory', () => {
  test('serves on while the database is down, however long that takes', async () => {
    expect((await loadStore(env, 'known'))?.name).toBe('Known')
    expect((await loadStore(down, 'known'))?.name).toBe('Known')
    testClock.advance(3_600_000)
    expect((await loadStore(down, 'known'))?.name).toBe('Known')
  })

  test('that was never read is 503 while the database is down, not 404', async () => {
    await expect(loadStore(down, 'unread')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('is five seconds old at most', async () => {
    await loadStore(env, 'known')
    await env.CATALOGUE.prepare(`UPDATE stores SET name = 'Renamed' WHERE slug = 'known'`).run()
    expect((await loadStore(env, 'known'))?.name).toBe('Known')
    testClock.advance(5_000)
    expect((await loadStore(env, 'known'))?.name).toBe('Renamed')
  })

  test.each(['', 'No', '../default', 'a'.repeat(101), '\u0000', "' OR 1=1"])(
    'is not looked up as %j',
    async (slug) => {
      expect(await loadStore(down, slug)).toBeNull()
    },
  )
})

describe('a request', () => {
  const slugAt = async (url: string, headers: Record<string, string> = {}) =>
    (await exports.default.fetch(url, { headers })).json<{ slug: string; code: string }>()

  test('is for the store it names, else of its hostname, else the default one', async () => {
    expect((await slugAt('http://known.example/v1/store')).slug).toBe('known')
    expect((await slugAt('http://KNOWN.example/v1/store')).slug).toBe('known')
    expect((await slugAt('http://elsewhere.example/v1/store')).slug).toBe('default')
    expect((await slugAt('http://known.example/v1/store', { 'Holdfast-Store': 'default' })).slug).toBe(
      'default',
    )
    expect((await slugAt('http://known.example/v1/store', { 'Holdfast-Store': 'nobody' })).code).toBe(
      'store_not_found',
    )
  })

  test('answers tell that they depend on the store named', async () => {
    expect((await call('GET', '/v1/store')).headers.get('Vary')).toContain('Holdfast-Store')
  })
})

describe('the terms of a market', () => {
  test('a free method is free in any currency, another is offered where it has a price', () => {
    expect(shippingPriceIn({ EUR: 0 }, 'USD')).toBe(0)
    expect(shippingPriceIn({ EUR: 490 }, 'USD')).toBeNull()
    expect(shippingPriceIn({ EUR: 0, USD: 500 }, 'USD')).toBe(500)
    expect(shippingPriceIn({ EUR: 0, USD: 500 }, 'GBP')).toBeNull()
  })

  test('have the rates of its countries only', async () => {
    const inStore = { store: 'known' }
    await staff('PUT', '/v1/admin/markets/dach', { currency: 'EUR', countries: ['DE', 'AT'] }, inStore)
    await staff('PUT', '/v1/admin/tax-rates/de', { country: 'DE', rate: '0.19' }, inStore)
    await staff('PUT', '/v1/admin/tax-rates/fr', { country: 'FR', rate: '0.20' }, inStore)
    const store = (await loadStore(env, 'known'))!
    const codes = (market: string) =>
      termsOf(store, marketOf(store, market)!).taxRates.map(({ code }) => code)
    expect(codes('dach')).toEqual(['de'])
    expect(codes('main')).toEqual(['de', 'fr'])
  })
})
