import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { call, ROOT_KEY, staff } from '../../support/api.ts'

const inStore = (store: string) => ({ store })

/** What the catalogue of a store has told, oldest first (the relay may already have carried it into the log). */
async function told(
  store: string,
): Promise<{ type: string; subject: string; sequence: number; data: unknown }[]> {
  const select = 'SELECT id, type, subject, sequence, data FROM'
  const rows = await Promise.all([
    env.CATALOGUE.prepare(`${select} outbox WHERE store = ?1`).bind(store).all(),
    env.EVENTS.prepare(`${select} events WHERE store = ?1`).bind(store).all(),
  ])
  const byId = new Map(rows.flatMap(({ results }) => results.map((row) => [row.id, row as never])))
  const events = [...byId.values()] as { type: string; subject: string; sequence: number; data: string }[]
  return events
    .map((event) => ({ ...event, data: JSON.parse(event.data) }))
    .sort((a, b) => a.sequence - b.sequence)
}

const shirt = {
  title: 'Organic tee',
  description: 'Soft.',
  status: 'active',
  options: [{ name: 'Colour', values: ['Black', 'White'] }, { name: 'Size' }],
  attributes: { material: 'cotton', tags: ['new', 'summer'], weight: 120, vegan: true },
  translations: { de: { title: 'Bio-Hemd', description: 'Weich.' } },
  taxCategory: 'clothing',
  metadata: { supplier: 'secret' },
  variants: [
    { sku: 'TEE BLACK M', options: { Colour: 'Black', Size: 'M' }, prices: { EUR: 1999, GBP: 1799 } },
    {
      sku: 'TEE-WHITE-M',
      options: { Colour: 'White', Size: 'M' },
      prices: { EUR: 1499 },
      compareAtPrices: { EUR: 1999 },
      trackStock: false,
    },
  ],
}

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/shop', {})
  await staff('PUT', '/v1/admin/stores/neighbour', {})
  await staff(
    'PUT',
    '/v1/admin/markets/uk',
    { currency: 'GBP', countries: ['GB'], locales: ['en-GB'] },
    inStore('shop'),
  )
  await staff(
    'PUT',
    '/v1/admin/markets/us',
    { currency: 'USD', countries: ['US'], locales: ['en-US'] },
    inStore('shop'),
  )
})

describe('PUT product', () => {
  test('fills in the defaults and keeps ids over changes', async () => {
    const put = await staff('PUT', '/v1/admin/products/tee', shirt, inStore('shop'))
    expect(put.status).toBe(200)
    expect(put.body).toMatchObject({
      handle: 'tee',
      status: 'active',
      options: [
        { name: 'Colour', values: ['Black', 'White'] },
        { name: 'Size', values: ['M'] },
      ],
      variants: [
        {
          sku: 'TEE BLACK M',
          trackStock: true,
          stock: [{ item: 'TEE BLACK M', quantity: 1 }],
          requiresShipping: true,
        },
        { sku: 'TEE-WHITE-M', trackStock: false },
      ],
    })
    const again = await staff('PUT', '/v1/admin/products/tee', { ...shirt, title: 'Tee' }, inStore('shop'))
    expect(again.body.id).toBe(put.body.id)
    expect(again.body.createdAt).toBe(put.body.createdAt)
    expect(again.body.variants.map(({ id }: { id: string }) => id)).toEqual(
      put.body.variants.map(({ id }: { id: string }) => id),
    )
    expect((await staff('GET', '/v1/admin/products/tee', undefined, inStore('shop'))).body).toEqual(
      again.body,
    )
  })

  test('tells of each change once, and of nothing when nothing changed', async () => {
    const at = '/v1/admin/products/told'
    const body = { ...shirt, variants: [{ sku: 'TOLD', prices: { EUR: 100 } }], options: [] }
    await staff('PUT', at, body, inStore('neighbour'))
    await staff('PUT', at, body, inStore('neighbour'))
    await staff('PUT', at, { ...body, metadata: { supplier: 'other' } }, inStore('neighbour'))
    await staff('PATCH', at, { variants: [{ sku: 'TOLD', prices: { EUR: 90 } }] }, inStore('neighbour'))
    await staff('DELETE', at, undefined, inStore('neighbour'))
    await staff('DELETE', at, undefined, inStore('neighbour'))
    await staff('PUT', at, body, inStore('neighbour'))
    const events = await told('neighbour')
    expect(events.map(({ type, subject, sequence }) => [type, subject, sequence])).toEqual([
      ['product.created', 'product:told', 1],
      ['product.updated', 'product:told', 2],
      ['product.updated', 'product:told', 3],
      ['price.changed', 'product:told', 4],
      ['product.deleted', 'product:told', 5],
      ['product.created', 'product:told', 6],
    ])
    expect(events[3]!.data).toEqual({
      handle: 'told',
      changes: [{ sku: 'TOLD', currency: 'EUR', from: 100, to: 90 }],
    })
    expect(JSON.stringify(events)).not.toContain('supplier')
    const fresh = await staff('GET', at, undefined, inStore('neighbour'))
    expect(fresh.body.title).toBe('Organic tee')
  })

  test('changes made at the same moment are each told in order, and none is half done', async () => {
    const at = '/v1/admin/products/raced'
    const prices = Array.from({ length: 6 }, (_, i) => 100 + i)
    const answers = await Promise.all(
      prices.map((EUR) => staff('PUT', at, { title: 'R', variants: [{ sku: 'RACED', prices: { EUR } }] })),
    )
    // One that met five faster ones is told to come again; the rest are all there, one after another.
    const done = answers.filter(({ status }) => status === 200)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    const events = (await told('default')).filter(({ subject }) => subject === 'product:raced')
    expect(events.filter(({ type }) => type !== 'price.changed')).toHaveLength(done.length)
    const now = await staff('GET', at)
    const sold = await env.CATALOGUE.prepare(`SELECT prices FROM variants WHERE sku = 'RACED'`).first<string>(
      'prices',
    )
    expect(JSON.parse(sold!)).toEqual(now.body.variants[0].prices)
    expect(now.headers.get('ETag')).toBe(`"${done.length}"`)
  })

  test('a SKU belongs to one product of a store, and another store may have it too', async () => {
    const body = { title: 'A', variants: [{ sku: 'MINE', prices: { EUR: 1 } }] }
    expect((await staff('PUT', '/v1/admin/products/a', body)).status).toBe(200)
    const refused = await staff('PUT', '/v1/admin/products/b', body)
    expect([refused.status, refused.body.code]).toEqual([409, 'sku_conflict'])
    expect(refused.body.conflicts).toEqual([{ sku: 'MINE', handle: 'a' }])
    expect((await staff('GET', '/v1/admin/products/b')).status).toBe(404)
    expect((await staff('PUT', '/v1/admin/products/b', body, inStore('neighbour'))).status).toBe(200)
    await staff('DELETE', '/v1/admin/products/a')
    expect((await staff('PUT', '/v1/admin/products/b', body)).status).toBe(200)
  })

  test('two products that take one SKU at the same moment do not both get it', async () => {
    const body = { title: 'A', variants: [{ sku: 'CONTESTED', prices: { EUR: 1 } }] }
    const answers = await Promise.all(
      ['c1', 'c2', 'c3'].map((handle) => staff('PUT', `/v1/admin/products/${handle}`, body)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })

  test('If-Match guards against changes that were not read', async () => {
    const at = '/v1/admin/products/guarded'
    const first = await staff('PUT', at, { title: 'One' })
    const headers = { 'If-Match': first.headers.get('ETag')! }
    expect((await staff('PUT', at, { title: 'Two' }, { headers })).status).toBe(200)
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const stale = await staff(method, at, method === 'DELETE' ? undefined : { title: 'Three' }, { headers })
      expect([stale.status, stale.body.code], method).toEqual([412, 'precondition_failed'])
    }
    const absent = await staff(
      'PUT',
      '/v1/admin/products/none',
      { title: 'x' },
      { headers: { 'If-Match': '*' } },
    )
    expect(absent.status).toBe(412)
  })

  test.each([
    ['no title', {}],
    ['an unknown member', { title: 'x', colour: 'red' }],
    ['251 variants', { title: 'x', variants: Array.from({ length: 251 }, (_, i) => ({ sku: `S${i}` })) }],
    ['six options', { title: 'x', options: ['a', 'b', 'c', 'd', 'e', 'f'] }],
    [
      '51 media',
      { title: 'x', media: Array.from({ length: 51 }, () => ({ url: 'https://x.example/a.png' })) },
    ],
    ['a SKU twice', { title: 'x', variants: [{ sku: 'A' }, { sku: 'A' }] }],
    [
      'an option it does not name',
      { title: 'x', options: ['Size'], variants: [{ sku: 'A', options: { Fit: 'slim' } }] },
    ],
    ['a negative price', { title: 'x', variants: [{ sku: 'A', prices: { EUR: -1 } }] }],
    ['a fraction of a cent', { title: 'x', variants: [{ sku: 'A', prices: { EUR: 1.5 } }] }],
    ['a currency that is none', { title: 'x', variants: [{ sku: 'A', prices: { ABC: 1 } }] }],
    ['half a character', { title: '\ud800' }],
    ['a NUL', { title: 'a\u0000b' }],
    ["another store's image", { title: 'x', media: [{ key: `neighbour/${'0'.repeat(64)}.png` }] }],
    [
      "another store's image by steps in the path",
      { title: 'x', media: [{ key: `default/../neighbour/${'0'.repeat(64)}.png` }] },
    ],
    ['a script for an image', { title: 'x', media: [{ url: 'javascript:alert(1)' }] }],
  ])('takes no product with %s', async (_what, body) => {
    const refused = await staff('PUT', '/v1/admin/products/wrong', body)
    expect([refused.status, refused.body.code]).toEqual([400, 'malformed_request'])
    expect(refused.body.errors.length).toBeGreaterThan(0)
  })

  test('250 variants are one product, and 256 KiB are the most', async () => {
    const variants = Array.from({ length: 250 }, (_, i) => ({ sku: `MANY-${i}`, prices: { EUR: 100 + i } }))
    expect((await staff('PUT', '/v1/admin/products/many', { title: 'Many', variants })).status).toBe(200)
    const translations = Object.fromEntries(
      ['de', 'fr', 'it', 'es', 'nl', 'pl', 'sv', 'da', 'fi', 'cs', 'pt', 'hu', 'ro', 'el'].map((locale) => [
        locale,
        { description: 'ä'.repeat(20_000) },
      ]),
    )
    const refused = await staff('PUT', '/v1/admin/products/large', { title: 'Large', translations })
    expect([refused.status, refused.body.limitBytes]).toEqual([413, 256 * 1024])
  })

  test("another store's key changes nothing here", async () => {
    const { body } = await staff(
      'POST',
      '/v1/admin/api-keys',
      { name: 'k', scopes: ['catalogue:write'] },
      inStore('neighbour'),
    )
    const at = '/v1/admin/products/tee'
    expect((await call('PUT', at, { body: shirt, key: body.key, store: 'shop' })).status).toBe(401)
    expect((await call('GET', at, { key: body.key, store: 'neighbour' })).status).toBe(404)
  })
})

describe('a product page', () => {
  const page = (path: string, options = {}) => call('GET', path, { store: 'shop', ...options })

  beforeAll(async () => {
    await staff(
      'PUT',
      '/v1/admin/categories/clothes',
      { name: 'Clothes', translations: { de: { name: 'Kleidung' } } },
      inStore('shop'),
    )
    await staff('PUT', '/v1/admin/categories/tees', { name: 'Tees', parent: 'clothes' }, inStore('shop'))
    await staff(
      'PUT',
      '/v1/admin/products/tee',
      { ...shirt, categories: ['tees', 'not-yet'] },
      inStore('shop'),
    )
  })

  test('has what a shopper needs and nothing internal', async () => {
    const { status, body } = await page('/v1/products/tee')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      handle: 'tee',
      title: 'Organic tee',
      description: 'Soft.',
      price: { amount: 1499, currency: 'EUR' },
      compareAtPrice: { amount: 1999, currency: 'EUR' },
      availability: { status: 'in_stock' },
      variantCount: 2,
      variants: [
        {
          sku: 'TEE BLACK M',
          title: 'Black / M',
          price: { amount: 1999, currency: 'EUR' },
          availability: { status: 'out_of_stock' },
        },
        { sku: 'TEE-WHITE-M', title: 'White / M', availability: { status: 'in_stock' } },
      ],
      attributes: shirt.attributes,
      categories: [{ handle: 'tees', name: 'Tees' }],
      breadcrumbs: [
        { handle: 'clothes', name: 'Clothes' },
        { handle: 'tees', name: 'Tees' },
      ],
    })
    for (const internal of ['secret', 'metadata', 'maxPerCustomer', 'taxCategory', '"stock"']) {
      expect(JSON.stringify(body)).not.toContain(internal)
    }
  })

  test('speaks the language asked for: exact, then its language, then the default text', async () => {
    const titles = await Promise.all(
      ['de', 'de-AT', 'DE-at', 'fr'].map(
        async (locale) => (await page(`/v1/products/tee?locale=${locale}`)).body.title,
      ),
    )
    expect(titles).toEqual(['Bio-Hemd', 'Bio-Hemd', 'Bio-Hemd', 'Organic tee'])
    expect((await page('/v1/products/tee?locale=de')).body.breadcrumbs[0].name).toBe('Kleidung')
    expect((await page('/v1/products/tee?locale=no_locale')).status).toBe(400)
  })

  test("shows a market's prices, and is absent where it has none", async () => {
    const uk = await page('/v1/products/tee?market=uk')
    expect(uk.body).toMatchObject({ price: { amount: 1799, currency: 'GBP' }, variantCount: 1 })
    expect((await page('/v1/products/tee?market=us')).status).toBe(404)
    const nowhere = await page('/v1/products/tee?market=nowhere')
    expect([nowhere.status, nowhere.body.code]).toEqual([404, 'market_not_found'])
  })

  test('says how long it may be kept, has a strong ETag, and is 304 to who has it', async () => {
    const first = await page('/v1/products/tee')
    const etag = first.headers.get('ETag')!
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    expect(first.headers.get('Cache-Control')).toBe('public, max-age=5, stale-while-revalidate=60')
    expect(first.headers.get('Vary')).toContain('Holdfast-Store')
    expect(first.headers.has('Cache-Tag')).toBe(false)
    const second = await page('/v1/products/tee', { headers: { 'If-None-Match': etag } })
    expect([second.status, second.body, second.headers.get('ETag')]).toEqual([304, null, etag])
    expect(second.headers.get('Request-Id')).not.toBe(first.headers.get('Request-Id'))
    await staff('PATCH', '/v1/admin/products/tee', { description: 'Softer.' }, inStore('shop'))
    const third = await page('/v1/products/tee', { headers: { 'If-None-Match': etag } })
    expect([third.status, third.body.description]).toEqual([200, 'Softer.'])
    const absent = await page('/v1/products/none')
    expect([absent.status, absent.headers.get('Cache-Control')]).toEqual([404, 'no-store'])
  })

  test('is not there while it is a draft or archived', async () => {
    for (const status of ['draft', 'archived']) {
      await staff('PATCH', '/v1/admin/products/tee', { status }, inStore('shop'))
      expect((await page('/v1/products/tee')).status, status).toBe(404)
      expect((await page('/v1/products?sku=TEE%20BLACK%20M')).body.items).toEqual([])
      expect((await page('/v1/products?handle=tee')).body.items).toEqual([])
      expect((await page('/v1/availability?sku=TEE%20BLACK%20M')).body.items[0].status).toBe('unknown')
    }
    await staff('PATCH', '/v1/admin/products/tee', { status: 'active' }, inStore('shop'))
    expect((await page('/v1/products/tee')).status).toBe(200)
  })

  test.each([
    '..%2F..%2Fshop%2Fproducts%2Ftee',
    '%2e%2e%2f%2e%2e%2fshop%2fproducts%2ftee',
    '..%5C..%5Cshop%5Cproducts%5Ctee',
    'x%2F..%2F..%2F..%2Fshop%2Fproducts%2Ftee',
    '%252e%252e%252fshop',
    '%00',
    '%E0%A4%A',
  ])('of another store is not reached by %s', async (trick) => {
    const answer = await call('GET', `/v1/products/${trick}`, { store: 'neighbour' })
    expect([answer.status, answer.body.code]).toEqual([404, 'product_not_found'])
    const image = await call('GET', `/images/${trick}`, { store: 'neighbour' })
    expect(image.status).toBe(404)
  })
})

test('a SKU that looks like a way into another store is only a SKU that nobody has', async () => {
  const { body } = await call('GET', '/v1/availability?sku=TEE-WHITE-M', { store: 'shop' })
  expect(body.items[0].status).toBe('in_stock')
  for (const sku of [
    'x/../../../shop/availability/TEE-WHITE-M',
    '../../shop/availability/TEE-WHITE-M',
    'a?b#c%2F',
  ]) {
    const there = await call('GET', `/v1/availability?sku=${encodeURIComponent(sku)}`, { store: 'neighbour' })
    expect(there.body.items, sku).toMatchObject([{ sku, status: 'unknown' }])
  }
  expect((await call('GET', '/v1/availability?sku=..', { store: 'neighbour' })).status).toBe(400)
})

describe('live availability', () => {
  beforeAll(async () => {
    const variants = [
      { sku: 'LIVE', prices: { EUR: 1 } },
      { sku: 'PAIR', prices: { EUR: 1 }, stock: [{ item: 'LIVE', quantity: 2 }] },
      { sku: 'ENDLESS', prices: { EUR: 1 }, trackStock: false },
    ]
    await staff('PUT', '/v1/admin/products/live', { title: 'Live', variants })
    await staff('POST', '/v1/admin/stock/LIVE/movements', { type: 'receive', location: 'main', quantity: 7 })
  })

  test('is the number one could hold, by the items a SKU consumes, in the order asked', async () => {
    const answer = await call('GET', '/v1/availability?sku=PAIR&sku=LIVE&sku=NOBODY&sku=ENDLESS&sku=LIVE')
    expect(answer.body.items).toEqual([
      {
        sku: 'PAIR',
        available: 3,
        status: expect.any(String),
        backorder: 0,
        availableOn: null,
        asOf: expect.any(String),
      },
      {
        sku: 'LIVE',
        available: 7,
        status: 'in_stock',
        backorder: 0,
        availableOn: null,
        asOf: expect.any(String),
      },
      {
        sku: 'NOBODY',
        available: 0,
        status: 'unknown',
        backorder: 0,
        availableOn: null,
        asOf: expect.any(String),
      },
      {
        sku: 'ENDLESS',
        available: null,
        status: 'in_stock',
        backorder: 0,
        availableOn: null,
        asOf: expect.any(String),
      },
    ])
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })

  test('is true as of now', async () => {
    testClock.freeze(Date.parse('2030-01-01T00:00:00Z'))
    try {
      const { body } = await call('GET', '/v1/availability?sku=NOBODY')
      expect(body.items[0].asOf).toBe('2030-01-01T00:00:00.000Z')
    } finally {
      testClock.reset()
    }
  })

  test('of 50 SKUs is one request, of 51 none', async () => {
    const query = (count: number) => Array.from({ length: count }, (_, i) => `sku=S${i}`).join('&')
    expect((await call('GET', `/v1/availability?${query(50)}`)).body.items).toHaveLength(50)
    expect((await call('GET', `/v1/availability?${query(51)}`)).status).toBe(400)
    expect((await call('GET', '/v1/availability')).status).toBe(400)
    expect((await call('GET', '/v1/availability?sku=%00')).status).toBe(400)
  })
})

test('the editors list every product once, whatever its status', async () => {
  for (const [index, status] of ['draft', 'active', 'archived'].entries()) {
    await staff('PUT', `/v1/admin/products/listed-${index}`, { title: 'L', status }, inStore('neighbour'))
  }
  const handles: string[] = []
  let cursor = ''
  do {
    const page = await staff(
      'GET',
      `/v1/admin/products?limit=2${cursor && `&cursor=${cursor}`}`,
      undefined,
      inStore('neighbour'),
    )
    handles.push(...page.body.items.map(({ handle }: { handle: string }) => handle))
    cursor = page.body.nextCursor ?? ''
  } while (cursor)
  expect(handles).toEqual([...new Set(handles)].sort())
  expect(handles).toEqual(expect.arrayContaining(['listed-0', 'listed-1', 'listed-2']))
  const drafts = await staff('GET', '/v1/admin/products?status=draft', undefined, inStore('neighbour'))
  expect(drafts.body.items.every(({ status }: { status: string }) => status === 'draft')).toBe(true)
  expect((await call('GET', '/v1/admin/products', { key: ROOT_KEY, store: 'nobody' })).status).toBe(404)
})
