import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { call, staff, until } from '../../support/api.ts'

const here = { store: 'lists' }
const ask = (query: string) => call('GET', `/v1/products${query}`, here)
const handlesOf = (body: { items: { handle: string }[] }) => body.items.map(({ handle }) => handle)

/** Walks every page; nothing may come twice. */
async function all(query: string, limit = 3): Promise<string[]> {
  const handles: string[] = []
  let cursor = ''
  for (let pages = 0; pages < 50; pages++) {
    const page = await ask(`?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`)
    expect(page.status).toBe(200)
    handles.push(...handlesOf(page.body))
    if (page.body.nextCursor === null) {
      expect(page.headers.has('Link')).toBe(false)
      expect(new Set(handles).size).toBe(handles.length)
      return handles
    }
    expect(page.headers.get('Link')).toContain('rel="next"')
    cursor = page.body.nextCursor
  }
  throw new Error('the pages do not end')
}

/** Ties in price and title on purpose. */
const products = [
  { handle: 'apple', title: 'Äpfel', price: 300, category: 'fruit' },
  { handle: 'banana', title: 'banana', price: 100, category: 'fruit' },
  { handle: 'cherry', title: 'Cherry', price: 300, category: 'stone-fruit' },
  { handle: 'date', title: 'Banana date', price: 300, category: 'fruit' },
  { handle: 'egg', title: 'Egg', price: 50, category: null },
  { handle: 'fig', title: 'Fig', price: 200, category: 'stone-fruit' },
  { handle: 'grape', title: 'Fig', price: 200, category: null },
]

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/lists', {})
  await staff('PUT', '/v1/admin/categories/food', { name: 'Food' }, here)
  await staff('PUT', '/v1/admin/categories/fruit', { name: 'Fruit', parent: 'food', position: 2 }, here)
  await staff('PUT', '/v1/admin/categories/stone-fruit', { name: 'Stone fruit', parent: 'fruit' }, here)
  await staff('PUT', '/v1/admin/categories/drinks', { name: 'Drinks', position: 1 }, here)
  for (const { handle, title, price, category } of products) {
    const put = await staff(
      'PUT',
      `/v1/admin/products/${handle}`,
      {
        title,
        categories: category ? [category] : [],
        variants: [{ sku: handle.toUpperCase(), prices: { EUR: price } }],
      },
      here,
    )
    expect(put.status).toBe(200)
  }
  // Only dollars: absent from a market in euros.
  const dollars = { title: 'Dollar', variants: [{ sku: 'D', prices: { USD: 1 } }] }
  await staff('PUT', '/v1/admin/products/dollar', dollars, here)
})

describe('a listing', () => {
  test.each([
    ['', ['grape', 'fig', 'egg', 'date', 'cherry', 'banana', 'apple']],
    ['&sort=newest', ['grape', 'fig', 'egg', 'date', 'cherry', 'banana', 'apple']],
    ['&sort=price', ['egg', 'banana', 'fig', 'grape', 'apple', 'cherry', 'date']],
    ['&sort=-price', ['date', 'cherry', 'apple', 'grape', 'fig', 'banana', 'egg']],
    ['&sort=title', ['apple', 'banana', 'date', 'cherry', 'egg', 'fig', 'grape']],
    ['&category=fruit', ['fig', 'date', 'cherry', 'banana', 'apple']],
    ['&category=food&sort=price', ['banana', 'fig', 'apple', 'cherry', 'date']],
    ['&category=stone-fruit', ['fig', 'cherry']],
    ['&category=drinks', []],
    ['&category=nowhere', []],
    ['&minPrice=200&maxPrice=299', ['grape', 'fig']],
    ['&minPrice=200&sort=price', ['fig', 'grape', 'apple', 'cherry', 'date']],
    ['&maxPrice=100&sort=-price', ['banana', 'egg']],
    ['&q=banana', ['date', 'banana']],
    ['&q=BANANA%20da', ['date']],
    ['&q=apfel', ['apple']],
    ['&q=%25', []],
    ['&unknown=1&attr.colour=red&facets=true', ['grape', 'fig', 'egg', 'date', 'cherry', 'banana', 'apple']],
  ])('with %s has each product once, in order, however many a page has', async (query, expected) => {
    for (const limit of [1, 2, 3, 100]) expect(await all(query, limit)).toEqual(expected)
  })

  test('goes on rightly when products arrive between two pages', async () => {
    const first = await ask('?sort=price&limit=3')
    await staff(
      'PUT',
      '/v1/admin/products/late',
      { title: 'L', variants: [{ sku: 'LATE', prices: { EUR: 60 } }] },
      here,
    )
    const second = await ask(`?sort=price&limit=100&cursor=${first.body.nextCursor}`)
    expect([...handlesOf(first.body), ...handlesOf(second.body)]).toEqual([
      'egg',
      'banana',
      'fig',
      'grape',
      'apple',
      'cherry',
      'date',
    ])
    await staff('DELETE', '/v1/admin/products/late', undefined, here)
  })

  test('finds by handle and by SKU, all at once, with the variant asked for', async () => {
    const found = await ask('?handle=fig&sku=EGG&handle=nobody&sku=NOBODY&handle=fig&limit=1')
    expect(found.body).toMatchObject({ items: [{ handle: 'egg' }, { handle: 'fig' }], nextCursor: null })
    const many = Array.from({ length: 9 }, (_, i) => ({ sku: `V${i}`, prices: { EUR: 10 + i } }))
    await staff('PUT', '/v1/admin/products/many', { title: 'Many', variants: many }, here)
    const [item] = (await ask('?sku=V8')).body.items
    expect(item.variantCount).toBe(9)
    expect(item.variants.map(({ sku }: { sku: string }) => sku)).toEqual(['V8', 'V0', 'V1', 'V2', 'V3'])
    expect(item.price.amount).toBe(10)
    await staff('DELETE', '/v1/admin/products/many', undefined, here)
  })

  test('of what is in stock follows the stock', async () => {
    expect(await all('&inStock=true')).toEqual([])
    await staff(
      'POST',
      '/v1/admin/stock/FIG/movements',
      { type: 'receive', location: 'main', quantity: 50 },
      here,
    )
    await until(
      () => all('&inStock=true'),
      (handles) => handles.length > 0,
    )
    expect(await all('&inStock=true')).toEqual(['fig'])
    expect(await all('&inStock=false')).toHaveLength(7)
    const [fig] = (await ask('?handle=fig')).body.items
    expect(fig).toMatchObject({
      availability: { status: 'in_stock' },
      variants: [{ sku: 'FIG', title: 'Fig', availability: { status: 'in_stock' } }],
    })
  })

  test.each([
    'limit=0',
    'limit=101',
    'minPrice=-1',
    'minPrice=1e99',
    'sort=random',
    'cursor=nonsense',
    'inStock=maybe',
    'category=..%2Fother',
    'handle=Not%20A%20Handle',
    'sku=%00',
    `q=${'x'.repeat(201)}`,
    Array.from({ length: 51 }, (_, i) => `sku=S${i}`).join('&'),
  ])('refuses %s', async (query) => {
    const refused = await ask(`?${query}`)
    expect([refused.status, refused.headers.get('Cache-Control')]).toEqual([400, 'no-store'])
  })

  test('takes no cursor of another order', async () => {
    const { nextCursor } = (await ask('?sort=price&limit=1')).body
    expect((await ask(`?sort=title&limit=1&cursor=${nextCursor}`)).body.code).toBe('cursor_invalid')
  })

  test('has one ETag for one question, in whatever order it is asked', async () => {
    const first = await ask('?sort=price&category=fruit&limit=2')
    const etag = first.headers.get('ETag')!
    const again = await call('GET', '/v1/products?limit=2&unknown=x&category=fruit&sort=price', {
      ...here,
      headers: { 'If-None-Match': `"other", W/${etag}` },
    })
    expect(again.status).toBe(304)
  })
})

describe('categories', () => {
  const tree = async (query = '') => (await call('GET', `/v1/categories${query}`, here)).body.items

  test('are a tree, siblings by position', async () => {
    expect(await tree()).toEqual([
      {
        handle: 'food',
        name: 'Food',
        children: [
          {
            handle: 'fruit',
            name: 'Fruit',
            children: [{ handle: 'stone-fruit', name: 'Stone fruit', children: [] }],
          },
        ],
      },
      { handle: 'drinks', name: 'Drinks', children: [] },
    ])
    expect((await call('GET', '/v1/categories')).body.items).toEqual([])
  })

  test('never make a circle, whoever moves them', async () => {
    const put = (handle: string, parent: string | null) =>
      staff('PUT', `/v1/admin/categories/${handle}`, { name: handle, parent }, here)
    await put('c1', null)
    await put('c2', 'c1')
    for (const [handle, parent] of [
      ['c1', 'c2'],
      ['c1', 'c1'],
    ] as const) {
      const refused = await put(handle, parent)
      expect([refused.status, refused.body.errors[0].path]).toEqual([400, '/parent'])
    }
    const absent = await put('c1', 'nobody')
    expect([absent.status, absent.body.code]).toEqual([404, 'category_not_found'])
    await put('c2', null)
    const raced = await Promise.all([put('c1', 'c2'), put('c2', 'c1')])
    expect(raced.map(({ status }) => status).sort()).toEqual([200, 400])
    for (const handle of ['c1', 'c2', 'c1'])
      await staff('DELETE', `/v1/admin/categories/${handle}`, undefined, here)
    expect(JSON.stringify(await tree())).not.toContain('"c1"')
  })

  test('are at most ten levels deep', async () => {
    let parent: string | null = null
    for (let level = 1; level <= 11; level++) {
      const put = await staff('PUT', `/v1/admin/categories/level-${level}`, { name: 'L', parent })
      expect(put.status).toBe(level <= 10 ? 200 : 400)
      parent = `level-${level}`
    }
  })

  test('take their products along when they move, go or come back', async () => {
    const under = async (category: string) => (await all(`&category=${category}`)).sort()
    const put = (handle: string, parent: string | null) =>
      staff('PUT', `/v1/admin/categories/${handle}`, { name: handle, parent }, here)
    await put('stone-fruit', 'drinks')
    expect(await under('fruit')).toEqual(['apple', 'banana', 'date'])
    expect(await under('food')).toEqual(['apple', 'banana', 'date'])
    expect(await under('drinks')).toEqual(['cherry', 'fig'])
    const inUse = await staff('DELETE', '/v1/admin/categories/drinks', undefined, here)
    expect([inUse.status, inUse.body.code]).toEqual([409, 'resource_in_use'])
    for (const _ of [1, 2]) {
      expect((await staff('DELETE', '/v1/admin/categories/stone-fruit', undefined, here)).status).toBe(204)
    }
    expect(await under('drinks')).toEqual([])
    await put('stone-fruit', 'fruit')
    expect(await under('food')).toEqual(['apple', 'banana', 'cherry', 'date', 'fig'])
    expect(await all('')).toHaveLength(7)
  })
})

test('a look through a filter without an index reads a bounded window, and the cursor goes on behind it', async () => {
  // 1,200 rows that nobody searches for, written as the products' own statements write them.
  await staff('PUT', '/v1/admin/stores/wide', {})
  const wide = { store: 'wide' }
  const first = { title: 'Needle', variants: [{ sku: 'N', prices: { EUR: 1 } }] }
  await staff('PUT', '/v1/admin/products/needle', first, wide)
  await env.CATALOGUE.batch([
    env.CATALOGUE.prepare(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
      INSERT INTO products (store, handle, id, status, title, titles, tax_category, revision, created_at, updated_at, card, document)
      SELECT 'wide', 'hay-' || i, 'prod_z' || printf('%05d', i), 'active', 'Hay', '{}', 'standard', 1, 0, 0,
        json_object('id', i, 'handle', 'hay-' || i, 'title', 'Hay', 'titles', json('{}'), 'image', NULL, 'variants',
          json_array(json_object('id', i, 'sku', 'H' || i, 'title', NULL, 'options', json('{}'), 'prices',
            json('{"EUR":1}'), 'compareAtPrices', json('{}'), 'items', json('[]')))), '{}' FROM n`),
    env.CATALOGUE.prepare(`INSERT INTO listing (store, currency, category, product_id, handle, title_key, price_min)
      SELECT store, 'EUR', '', id, handle, 'hay', 1 FROM products WHERE store = 'wide' AND handle LIKE 'hay-%'`),
  ])
  const page = await call('GET', '/v1/products?q=needle', wide)
  expect([page.body.items, typeof page.body.nextCursor]).toEqual([[], 'string'])
  const next = await call('GET', `/v1/products?q=needle&cursor=${page.body.nextCursor}`, wide)
  expect([handlesOf(next.body), next.body.nextCursor]).toEqual([['needle'], null])
  const plain = await call('GET', '/v1/products?limit=100', wide)
  expect(plain.body.items).toHaveLength(100)
})

test('a page is a range of one index, whatever the order: nothing is sorted and no table is scanned', async () => {
  const { statementsFor } = await import('../../../worker/catalogue/listing-store.ts')
  for (const sort of ['newest', 'relevance', 'price', '-price', 'title'] as const) {
    for (const start of [null, { key: 1, productId: 'prod_1' }]) {
      const filter = {
        store: 's',
        currency: 'EUR',
        category: '',
        sort,
        start,
        minPrice: null,
        maxPrice: null,
        isInStock: true,
        words: ['x'],
      }
      const { sql } = statementsFor(filter, 21)
      const plan = await env.CATALOGUE.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind('s', 'EUR', '', 1, 'prod_1', 1000, null, null, '[]', 21)
        .all<{ detail: string }>()
      const text = plan.results.map(({ detail }) => detail).join('\n')
      expect(text, sort).toMatch(/SEARCH listing USING (COVERING INDEX|INDEX|PRIMARY KEY)/)
      expect(text, sort).not.toMatch(/SCAN (listing|products|variants|stock_items)/)
      const inner = text.split('\n').findIndex((line) => line.includes('SEARCH listing'))
      expect(text.split('\n')[inner + 1] ?? '', sort).not.toContain('TEMP B-TREE')
    }
  }
})

const CATEGORIES = ['a', 'b', 'c'] as const
const aProduct = fc.constantFrom('p1', 'p2', 'p3')
const aCategory = fc.constantFrom(...CATEGORIES)
const put = fc.record({
  kind: fc.constant('put' as const),
  handle: aProduct,
  price: fc.integer({ min: 1, max: 5 }),
  categories: fc.uniqueArray(aCategory, { minLength: 1, maxLength: 2 }),
  status: fc.constantFrom('active', 'active', 'active', 'draft'),
})
const remove = fc.record({ kind: fc.constant('delete' as const), handle: aProduct })
const move = fc.record({
  kind: fc.constant('move' as const),
  handle: aCategory,
  parent: fc.option(aCategory, { freq: 3 }),
})
const drop = fc.record({ kind: fc.constant('drop' as const), handle: aCategory })
const aCommand = fc.oneof(
  { arbitrary: put, weight: 3 },
  { arbitrary: move, weight: 4 },
  { arbitrary: remove, weight: 1 },
  { arbitrary: drop, weight: 1 },
)
type Command = typeof aCommand extends fc.Arbitrary<infer T> ? T : never

/** What the store should list, kept beside it. */
class Model {
  readonly parents = new Map<string, string | null>()
  readonly products = new Map<string, { price: number; categories: string[]; status: string }>()

  async carryOut(command: Command, store: { store: string }): Promise<void> {
    const at = command.kind === 'put' || command.kind === 'delete' ? 'products' : 'categories'
    const path = `/v1/admin/${at}/${command.handle}`
    if (command.kind === 'put') {
      const { price, status, categories } = command
      const variants = [{ sku: command.handle, prices: { EUR: price } }]
      await staff('PUT', path, { title: 'T', status, categories, variants }, store)
      this.products.set(command.handle, command)
    } else if (command.kind === 'delete') {
      await staff('DELETE', path, undefined, store)
      this.products.delete(command.handle)
    } else if (command.kind === 'move') {
      const { status } = await staff('PUT', path, { name: 'C', parent: command.parent }, store)
      if (status === 200) this.parents.set(command.handle, command.parent)
    } else {
      const { status } = await staff('DELETE', path, undefined, store)
      if (status === 204) this.parents.delete(command.handle)
    }
  }

  pricesIn(category: string): number[] {
    return [...this.products.values()]
      .filter(
        ({ status, categories }) =>
          status === 'active' && categories.flatMap((each) => this.#above(each)).includes(category),
      )
      .map(({ price }) => price)
      .sort()
  }

  #above(category: string): string[] {
    const parent = this.parents.get(category) ?? null
    return parent === null ? [category, ''] : [category, ...this.#above(parent)]
  }
}

test('listings agree with the products after any run of changes', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(aCommand, { minLength: 6, maxLength: 12 }), async (commands) => {
      const store = { store: `model-${++runs}` }
      const model = new Model()
      await staff('PUT', `/v1/admin/stores/${store.store}`, {})
      const births = CATEGORIES.map((handle) => ({ kind: 'move' as const, handle, parent: null }))
      for (const command of [...births, ...commands]) await model.carryOut(command, store)
      for (const category of ['', ...CATEGORIES]) {
        const { body } = await call(
          'GET',
          `/v1/products?sort=price${category && `&category=${category}`}`,
          store,
        )
        const prices = body.items.map((item: { price: { amount: number } }) => item.price.amount)
        expect(prices, category).toEqual(model.pricesIn(category))
      }
    }),
    { numRuns: 20 },
  )
})
