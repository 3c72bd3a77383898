import { type ApiClient, eachOf } from '../../scripts/api-client.ts'
import type { Goods } from './read-day.ts'

/** So that most invoices succeed and many meet an empty shelf. */
const STOCKED_SHARE = 0.6
const AT_A_TIME = 32

export const MARKET = 'uk'

/** Units put on the shelf for a demand. In whole numbers: 0.6 * 5 is a hair below 3 in binary fractions. */
export function stockedUnits(demand: number): number {
  return Math.floor((demand * Math.round(STOCKED_SHARE * 10)) / 10)
}

/** A market in pounds, a product for each SKU, and stock for six tenths of the day's demand. */
export async function loadGoods(api: ApiClient, goods: readonly Goods[]): Promise<void> {
  await api.must('PUT', `/v1/admin/markets/${MARKET}`, {
    body: { name: 'United Kingdom', countries: ['GB'], currency: 'GBP', locales: ['en'] },
  })
  await eachOf(goods, AT_A_TIME, async ({ sku, title, priceMinor, demand }) => {
    await api.must('PUT', `/v1/admin/products/${handleOf(sku)}`, {
      body: { title, status: 'active', variants: [{ sku, prices: { GBP: priceMinor } }] },
    })
    const quantity = stockedUnits(demand)
    if (quantity === 0) return
    await api.must('POST', `/v1/admin/stock/${encodeURIComponent(sku)}/movements`, {
      idempotencyKey: `opening-${Buffer.from(sku).toString('hex')}`,
      body: { type: 'receive', location: 'main', quantity },
    })
  })
}

/** SKUs are case-sensitive and handles are lower case: 85123A and 85123a are two products. */
function handleOf(sku: string): string {
  const lower = sku.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return sku === sku.toUpperCase() ? lower : `${lower}-lower`
}
