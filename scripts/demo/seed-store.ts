import { type ApiClient, eachOf } from '../api-client.ts'
import { drawImage } from './draw-image.ts'
import type { DemoProduct } from './product-forms.ts'
import { CLOTHING } from './products-clothing.ts'
import { HOME } from './products-home.ts'
import { BACKORDERS, OTHER } from './products-other.ts'
import { OUTDOOR } from './products-outdoor.ts'
import { CATEGORIES, LOCATIONS, MARKETS, SHIPPING_METHODS, TAX_RATES } from './shop-settings.ts'

export const DEMO_PRODUCTS = [...CLOTHING, ...HOME, ...OUTDOOR, ...OTHER]

/** More at once would not be quicker: the catalogue has one writer. */
const AT_A_TIME = 8

/**
 * The demo store, through the API as any merchant would. Every step is safe to repeat (PUT, or a fixed idempotency key and a
 * look first), so a run that was cut is finished by the next one.
 */
export async function seedStore(api: ApiClient, say: (line: string) => void): Promise<void> {
  say('markets, tax rates, shipping, locations')
  await seedSettings(api)
  say(`${CATEGORIES.length} categories`)
  for (const [index, { handle, name, parent }] of CATEGORIES.entries()) {
    const translations = { de: { name: name[1] } }
    const body = { name: name[0], parent, position: index, translations }
    await api.must('PUT', `/v1/admin/categories/${handle}`, { body })
  }
  say(`${DEMO_PRODUCTS.length} products with images`)
  await eachOf(DEMO_PRODUCTS, AT_A_TIME, (product) => seedProduct(api, product))
  const receipts = DEMO_PRODUCTS.flatMap(({ units }) =>
    Object.entries(units).flatMap(([item, places]) =>
      Object.entries(places).map(([location, quantity]) => ({ item, location, quantity })),
    ),
  )
  say(`stock: ${receipts.length} receipts in ${1 + LOCATIONS.length} locations`)
  await eachOf(receipts, AT_A_TIME, (receipt) => receiveOnce(api, receipt))
  for (const { item, ...policy } of BACKORDERS) {
    await api.must('PUT', `/v1/admin/stock/${item}/policy`, { body: policy })
  }
}

async function seedSettings(api: ApiClient): Promise<void> {
  for (const { code, ...body } of MARKETS) await api.must('PUT', `/v1/admin/markets/${code}`, { body })
  for (const { code, ...body } of LOCATIONS) await api.must('PUT', `/v1/admin/locations/${code}`, { body })
  for (const { code, ...body } of SHIPPING_METHODS) {
    await api.must('PUT', `/v1/admin/shipping-methods/${code}`, { body })
  }
  await eachOf(TAX_RATES, AT_A_TIME, async ({ code, ...body }) => {
    await api.must('PUT', `/v1/admin/tax-rates/${code}`, { body })
  })
  await api.must('PATCH', '/v1/admin/store', { body: { name: 'Harbour & Hill', defaultMarket: 'eu' } })
}

async function seedProduct(api: ApiClient, product: DemoProduct): Promise<void> {
  const { handle, title, description, units: _units, ...rest } = product
  const image = await api.must<{ key: string }>('PUT', `/v1/admin/images/${handle}.png`, {
    bytes: drawImage(handle),
    contentType: 'image/png',
  })
  await api.must('PUT', `/v1/admin/products/${handle}`, {
    body: {
      ...rest,
      title: title[0],
      description: description[0],
      status: 'active',
      translations: { de: { title: title[1], description: description[1] } },
      media: [{ key: image.key, alt: title[0] }],
    },
  })
}

/** The key makes a repetition within its seven days harmless; the look makes one after them harmless too. */
async function receiveOnce(
  api: ApiClient,
  { item, location, quantity }: { item: string; location: string; quantity: number },
): Promise<void> {
  const path = `/v1/admin/stock/${encodeURIComponent(item)}`
  const levels = await api.call('GET', path)
  const positions: { location: string }[] = levels.status === 200 ? levels.body.positions : []
  if (positions.some((position) => position.location === location)) return
  await api.must('POST', `${path}/movements`, {
    idempotencyKey: `demo-${location}-${Buffer.from(item).toString('hex')}`,
    body: { type: 'receive', location, quantity, reference: 'opening stock' },
  })
}
