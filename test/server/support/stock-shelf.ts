import type { ApiClient } from '../../../scripts/api-client.ts'

/** A product of one SKU, named alike, at 10.00 EUR, with so many units in `main`. */
export async function shelve(api: ApiClient, sku: string, units: number): Promise<void> {
  await api.must('PUT', `/v1/admin/products/${sku.toLowerCase()}`, {
    body: {
      title: `Product ${sku}`,
      status: 'active',
      variants: [{ sku, prices: { EUR: 1000 } }],
    },
  })
  await api.must('POST', `/v1/admin/stock/${sku}/movements`, {
    body: { type: 'receive', location: 'main', quantity: units },
  })
}

export interface Levels {
  onHand: number
  reserved: number
  allocated: number
  available: number
}

export function levelsOf(api: ApiClient, item: string): Promise<Levels> {
  return api.must<Levels>('GET', `/v1/admin/stock/${item}`)
}
