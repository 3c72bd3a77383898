import { beforeAll, describe, expect, test } from 'vitest'
import { whyNotHere } from '../../../worker/stores/put-store.ts'
import { call, ROOT_KEY, staff, until } from '../../support/api.ts'

describe('the birth of a store', () => {
  test('the default store is there without being made, with location, market and free shipping', async () => {
    const settings = await staff('GET', '/v1/admin/store')
    expect(settings.body).toMatchObject({
      slug: 'default',
      defaultMarket: 'main',
      holdTtlSeconds: 900,
      capture: 'automatic',
      jurisdiction: null,
      region: null,
    })
    expect((await staff('GET', '/v1/admin/locations')).body.items).toEqual([
      { code: 'main', name: 'Main', priority: 0 },
    ])
    expect((await staff('GET', '/v1/admin/markets')).body.items).toEqual([
      { code: 'main', name: 'Main', countries: [], currency: 'EUR', locales: ['en'], pricesIncludeTax: true },
    ])
    expect((await staff('GET', '/v1/admin/shipping-methods')).body.items).toEqual([
      { code: 'standard', title: 'Standard', countries: [], prices: { EUR: 0 } },
    ])
    expect((await staff('GET', '/v1/admin/tax-rates')).body.items).toEqual([])
  })

  test('a store that is made is born with the same state, and making it again changes nothing', async () => {
    const first = await staff('PUT', '/v1/admin/stores/born', { name: 'Born' })
    expect(first.status).toBe(200)
    const inBorn = { store: 'born' }
    await staff('PUT', '/v1/admin/markets/uk', { currency: 'GBP' }, inBorn)
    const second = await staff('PUT', '/v1/admin/stores/born', { name: 'Born' })
    expect(second.body).toEqual(first.body)
    const here = (path: string) => staff('GET', path, undefined, inBorn)
    const there = (path: string) => staff('GET', path)
    for (const path of ['/v1/admin/locations', '/v1/admin/shipping-methods', '/v1/admin/tax-rates']) {
      expect((await here(path)).body, path).toEqual((await there(path)).body)
    }
    const markets = (await here('/v1/admin/markets')).body.items.map(({ code }: { code: string }) => code)
    expect(markets).toEqual(['main', 'uk'])
  })

  test('only the root key makes stores', async () => {
    const { body } = await staff('POST', '/v1/admin/api-keys', { name: 'all', scopes: ['settings:write'] })
    const refused = await call('PUT', '/v1/admin/stores/mine', { body: {}, key: body.key })
    expect(refused.status).toBe(403)
    expect((await call('PUT', '/v1/admin/stores/mine', { body: {} })).status).toBe(401)
  })
})

describe('jurisdiction and region', () => {
  test.each<[string, 'eu' | 'us' | undefined, boolean, boolean]>([
    ['', undefined, false, true],
    ['', 'eu', false, false],
    ['eu', 'eu', false, true],
    ['eu', 'us', false, false],
    ['eu', undefined, false, false],
    ['', 'eu', true, true],
  ])(
    'a deployment in %j takes a store in %j (local: %s): %s',
    (deployment, jurisdiction, isLocal, isTaken) => {
      expect(whyNotHere(deployment, { jurisdiction }, isLocal) === null).toBe(isTaken)
    },
  )

  beforeAll(async () => {
    await staff('PUT', '/v1/admin/stores/resident', { jurisdiction: 'eu', region: 'weur' })
  })

  test('are said once and stay', async () => {
    expect((await staff('PUT', '/v1/admin/stores/resident', {})).body).toMatchObject({
      jurisdiction: 'eu',
      region: 'weur',
    })
    expect((await staff('PUT', '/v1/admin/stores/resident', { jurisdiction: 'eu' })).status).toBe(200)
  })

  test.each([{ jurisdiction: 'us' }, { jurisdiction: null }, { region: 'enam' }])(
    'cannot become %j',
    async (wanted) => {
      const refused = await staff('PUT', '/v1/admin/stores/resident', wanted)
      expect([refused.status, refused.body.code]).toEqual([409, 'jurisdiction_conflict'])
    },
  )
})

describe('hostnames', () => {
  test('lead to their store, and belong to one store only', async () => {
    await staff('PUT', '/v1/admin/stores/hosted', { hostnames: ['shop.example', 'www.shop.example'] })
    const taken = await staff('PUT', '/v1/admin/stores/thief', { hostnames: ['shop.example'] })
    expect([taken.status, taken.body.code]).toEqual([409, 'resource_in_use'])
    expect((await call('GET', '/v1/store', { store: 'thief' })).status).toBe(404)
    const again = await staff('PUT', '/v1/admin/stores/hosted', { hostnames: ['shop.example'] })
    expect(again.status).toBe(200)
  })
})

describe('PATCH store', () => {
  test('changes what is given, at once, and keeps the rest', async () => {
    await staff('PUT', '/v1/admin/stores/patched', {})
    const inStore = { store: 'patched' }
    const first = await staff(
      'PATCH',
      '/v1/admin/store',
      { holdTtlSeconds: 2, policies: { returns: '30 days' } },
      inStore,
    )
    expect(first.body).toMatchObject({ holdTtlSeconds: 2, capture: 'automatic' })
    const second = await staff('PATCH', '/v1/admin/store', { capture: 'manual' }, inStore)
    expect(second.body).toMatchObject({
      holdTtlSeconds: 2,
      capture: 'manual',
      policies: { returns: '30 days' },
    })
    expect((await call('GET', '/v1/store', inStore)).body).toMatchObject({
      holdTtlSeconds: 2,
      policies: { returns: '30 days' },
      paymentMethods: [{ provider: 'test' }],
    })
  })

  test.each([
    { holdTtlSeconds: 1 },
    { holdTtlSeconds: 86_401 },
    { holdTtlSeconds: 2.5 },
    { storefrontUrl: 'javascript:alert(1)' },
    { unknown: 1 },
    { capture: 'later' },
  ])('takes no %j', async (patch) => {
    expect((await staff('PATCH', '/v1/admin/store', patch)).status).toBe(400)
  })

  test('names only a market that exists as the default', async () => {
    const refused = await staff('PATCH', '/v1/admin/store', { defaultMarket: 'nowhere' })
    expect([refused.status, refused.body.code]).toEqual([404, 'market_not_found'])
  })
})

describe('settings by code', () => {
  const samples = {
    markets: { name: 'UK', countries: ['GB'], currency: 'GBP', locales: ['en-GB'], pricesIncludeTax: true },
    locations: { name: 'Leeds', priority: 3 },
    'tax-rates': {
      name: 'VAT',
      country: 'GB',
      region: null,
      taxCategory: 'standard',
      rate: '0.2',
      validFrom: null,
      isReverseCharge: false,
    },
    'shipping-methods': { title: 'Courier', countries: ['GB'], prices: { GBP: 490 } },
  }

  test.each(Object.entries(samples))(
    '%s are set, read, listed and deleted, each time safely twice',
    async (path, sample) => {
      const at = `/v1/admin/${path}/leeds-1`
      for (const _ of [1, 2]) {
        const put = await staff('PUT', at, sample)
        expect([put.status, put.body]).toEqual([200, { code: 'leeds-1', ...sample }])
      }
      expect((await staff('GET', at)).body).toEqual({ code: 'leeds-1', ...sample })
      const list = await staff('GET', `/v1/admin/${path}`)
      expect(list.body.items).toContainEqual({ code: 'leeds-1', ...sample })
      for (const _ of [1, 2]) expect((await staff('DELETE', at)).status).toBe(204)
      expect((await staff('GET', at)).status).toBe(404)
    },
  )

  test('lists page through everything once', async () => {
    for (const code of ['a', 'b', 'c']) await staff('PUT', `/v1/admin/locations/page-${code}`, {})
    const codes: string[] = []
    let cursor = ''
    do {
      const page = await staff('GET', `/v1/admin/locations?limit=2${cursor && `&cursor=${cursor}`}`)
      codes.push(...page.body.items.map(({ code }: { code: string }) => code))
      cursor = page.body.nextCursor ?? ''
      expect(page.headers.has('Link')).toBe(cursor !== '')
    } while (cursor)
    expect(codes).toEqual(expect.arrayContaining(['main', 'page-a', 'page-b', 'page-c']))
    expect(new Set(codes).size).toBe(codes.length)
  })

  test('the default market and the last location are not deleted', async () => {
    const inStore = { store: 'kept' }
    await staff('PUT', '/v1/admin/stores/kept', {})
    for (const path of ['/v1/admin/markets/main', '/v1/admin/locations/main']) {
      const refused = await staff('DELETE', path, undefined, inStore)
      expect([refused.status, refused.body.code], path).toEqual([409, 'resource_in_use'])
    }
  })

  test('a location where stock is kept is not deleted', async () => {
    await staff('PUT', '/v1/admin/locations/shelf', {})
    const receipt = { type: 'receive', location: 'shelf', quantity: 1 }
    expect((await staff('POST', '/v1/admin/stock/SHELVED/movements', receipt)).status).toBe(201)
    await until(
      () => staff('GET', '/v1/admin/stock?location=shelf'),
      ({ body }) => body.items.length > 0,
    )
    const refused = await staff('DELETE', '/v1/admin/locations/shelf')
    expect([refused.status, refused.body.code]).toEqual([409, 'resource_in_use'])
  })

  test('a location to which goods are on their way is not deleted until they are there', async () => {
    await staff('PUT', '/v1/admin/locations/annex', {})
    await staff('POST', '/v1/admin/stock/SENT/movements', { type: 'receive', location: 'main', quantity: 1 })
    const lines = [{ item: 'SENT', quantity: 1 }]
    const sent = await staff('POST', '/v1/admin/transfers', { from: 'main', to: 'annex', lines })
    expect((await staff('DELETE', '/v1/admin/locations/annex')).status).toBe(409)
    const lost = { lines: [{ item: 'SENT', quantity: 0, missing: 1 }] }
    await staff('POST', `/v1/admin/transfers/${sent.body.id}/receipts`, lost)
    expect((await staff('DELETE', '/v1/admin/locations/annex')).status).toBe(204)
  })

  test('a store cannot have more locations than the maximum', async () => {
    const inStore = { store: 'crowded' }
    await staff('PUT', '/v1/admin/stores/crowded', {})
    for (let i = 1; i < 250; i++) await staff('PUT', `/v1/admin/locations/l${i}`, {}, inStore)
    const refused = await staff('PUT', '/v1/admin/locations/one-more', {}, inStore)
    expect([refused.status, refused.body.code, refused.body.limit]).toEqual([409, 'limit_reached', 250])
    expect((await staff('PUT', '/v1/admin/locations/l1', { priority: 1 }, inStore)).status).toBe(200)
  })

  test.each([
    ['tax-rates', { country: 'DE', rate: '1.5' }],
    ['tax-rates', { country: 'DE', rate: 0.19 }],
    ['tax-rates', { country: 'de', rate: '0.19' }],
    ['markets', { currency: 'XXZ' }],
    ['markets', { currency: 'EUR', locales: ['not a locale'] }],
    ['shipping-methods', { prices: {} }],
    ['shipping-methods', { prices: { EUR: -1 } }],
  ])('%s take no %j', async (path, body) => {
    expect((await staff('PUT', `/v1/admin/${path}/x`, body)).status).toBe(400)
  })

  test("a key needs settings:write of this store's", async () => {
    const { body } = await staff('POST', '/v1/admin/api-keys', { name: 'k', scopes: ['catalogue:write'] })
    const refused = await call('PUT', '/v1/admin/locations/x', { body: {}, key: body.key })
    expect([refused.status, refused.body.code]).toEqual([403, 'scope_missing'])
    expect((await call('PUT', '/v1/admin/locations/x', { body: {}, key: ROOT_KEY })).status).toBe(200)
  })
})
