import { expect, test } from 'vitest'
import { staff, until } from '../../support/api.ts'
import { received } from '../../support/shop.ts'
import { audit, settled } from './audited-shop.ts'

const status = async (item: string) =>
  (await staff('GET', '/v1/admin/stock?limit=100')).body.items.find(
    (listed: { item: string }) => listed.item === item,
  )?.status

test("a store's new threshold reaches items that nobody moves, by the sweep's audit, and not those with their own", async () => {
  await received('RESTS', 7)
  await received('OWN', 7)
  await staff('PUT', '/v1/admin/stock/OWN/policy', { lowStockThreshold: 2 })
  for (const item of ['RESTS', 'OWN']) await settled(item)
  expect(await status('RESTS')).toBe('in_stock')
  await staff('PATCH', '/v1/admin/store', { lowStockThreshold: 7 })
  for (const item of ['RESTS', 'OWN']) await audit(item)
  await until(
    () => status('RESTS'),
    (band) => band === 'low_stock',
  )
  expect(await status('OWN')).toBe('in_stock')
})
