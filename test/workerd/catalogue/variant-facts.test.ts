import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { variantFacts } from '../../../worker/catalogue/variant-facts.ts'
import { loadStore } from '../../../worker/stores/load-store.ts'
import { marketOf } from '../../../worker/stores/store.ts'
import { staff } from '../../support/api.ts'

const inStore = { store: 'facts' }

async function factsOf(skus: string[], market = 'main', locale = 'en') {
  const store = (await loadStore(env, 'facts'))!
  return variantFacts(env, store, marketOf(store, market)!, locale, skus)
}

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/facts', {})
  await staff('PUT', '/v1/admin/markets/uk', { currency: 'GBP' }, inStore)
  await staff('PUT', '/v1/admin/categories/home', { name: 'Home' }, inStore)
  await staff('PUT', '/v1/admin/categories/cups', { name: 'Cups', parent: 'home' }, inStore)
  const mug = {
    title: 'Mug',
    categories: ['cups'],
    translations: { de: { title: 'Becher' } },
    taxCategory: 'kitchen',
    media: [{ url: 'https://img.example/mug.png' }, { url: '/other.png' }],
    variants: [
      {
        sku: 'MUG-RED',
        options: { Colour: 'Red' },
        prices: { EUR: 900, GBP: 800 },
        maxPerOrder: 3,
        maxPerCustomer: 2,
      },
      { sku: 'MUG-BLUE', options: { Colour: 'Blue' }, prices: { EUR: 950 }, trackStock: false },
    ],
  }
  await staff('PUT', '/v1/admin/products/mug', mug, inStore)
  const set = {
    title: 'Set',
    variants: [
      { sku: 'SET', prices: { EUR: 0 }, stock: [{ item: 'MUG-RED', quantity: 2 }, { item: 'BOX' }] },
      { sku: 'GUIDE', prices: { EUR: 100 }, requiresShipping: false },
    ],
  }
  await staff('PUT', '/v1/admin/products/set', set, inStore)
  await staff(
    'PUT',
    '/v1/admin/products/draft',
    { ...set, status: 'draft', variants: [{ sku: 'DRAFT', prices: { EUR: 1 } }] },
    inStore,
  )
})

test('a cart learns all it needs of a variant', async () => {
  expect((await factsOf(['MUG-RED'])).get('MUG-RED')).toEqual({
    sku: 'MUG-RED',
    productHandle: 'mug',
    categories: ['cups', 'home'],
    title: 'Mug - Red',
    image: 'https://img.example/mug.png',
    unitPrice: 900,
    taxCategory: 'kitchen',
    requiresShipping: true,
    maxPerOrder: 3,
    maxPerCustomer: 2,
    stock: [{ item: 'MUG-RED', quantity: 1 }],
  })
})

test('in the language and the currency of the market', async () => {
  expect((await factsOf(['MUG-RED'], 'uk', 'de-AT')).get('MUG-RED')).toMatchObject({
    title: 'Becher - Red',
    unitPrice: 800,
  })
})

test('bundles, digital goods and untracked stock are told apart', async () => {
  const facts = await factsOf(['SET', 'GUIDE', 'MUG-BLUE'])
  expect(facts.get('SET')).toMatchObject({
    title: 'Set',
    unitPrice: 0,
    stock: [
      { item: 'MUG-RED', quantity: 2 },
      { item: 'BOX', quantity: 1 },
    ],
  })
  expect(facts.get('GUIDE')).toMatchObject({ requiresShipping: false })
  expect(facts.get('MUG-BLUE')).toMatchObject({ stock: [] })
})

test('a SKU without a price there is no_price; one of no active product is absent', async () => {
  const facts = await factsOf(['MUG-BLUE', 'DRAFT', 'NOBODY', "'; --", 'MUG-RED'], 'uk')
  expect(facts.get('MUG-BLUE')).toBe('no_price')
  expect([...facts.keys()].sort()).toEqual(['MUG-BLUE', 'MUG-RED'])
})

test('a cart of 1,000 lines is one read', async () => {
  const variants = (product: number) =>
    Array.from({ length: 250 }, (_, i) => ({ sku: `BULK-${product}-${i}`, prices: { EUR: i } }))
  const skus: string[] = []
  for (const product of [1, 2, 3, 4]) {
    await staff(
      'PUT',
      `/v1/admin/products/bulk-${product}`,
      { title: 'B', variants: variants(product) },
      inStore,
    )
    skus.push(...variants(product).map(({ sku }) => sku))
  }
  let reads = 0
  const counted = new Proxy(env.CATALOGUE, {
    get(target, name) {
      if (name === 'prepare') reads++
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const store = (await loadStore(env, 'facts'))!
  const facts = await variantFacts(
    { ...env, CATALOGUE: counted },
    store,
    marketOf(store, 'main')!,
    'en',
    skus,
  )
  expect([facts.size, reads]).toEqual([1_000, 1])
})
