import type { D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { staff } from '../../support/api.ts'

const { MIGRATIONS } = env as unknown as { MIGRATIONS: { CATALOGUE: D1Migration[] } }
const fill = MIGRATIONS.CATALOGUE.find(({ name }) => name.startsWith('0007'))!.queries.find((query) =>
  query.includes('UPDATE variants'),
)!

const limits = async () => {
  const { results } = await env.CATALOGUE.prepare(
    'select store, sku, max_per_customer as most from variants where sku in (?1, ?2, ?3) order by store, sku',
  )
    .bind('LIM-A', 'LIM-B', 'LIM-C')
    .all<{ store: string; sku: string; most: number | null }>()
  return results.map(({ store, sku, most }) => [store, sku, most])
}

test('products from before carts looked at `maxPerCustomer` are limited as their document says', async () => {
  await staff('PUT', '/v1/admin/stores/lim', {})
  const prices = { EUR: 100 }
  const body = (most: number | null) => ({
    title: 'Limited',
    options: [{ name: 'Size', values: ['A', 'B'] }],
    variants: [
      { sku: 'LIM-A', prices, options: { Size: 'A' }, maxPerCustomer: most },
      { sku: 'LIM-B', prices, options: { Size: 'B' } },
    ],
  })
  expect((await staff('PUT', '/v1/admin/products/lim', body(2))).status).toBeLessThan(300)
  expect((await staff('PUT', '/v1/admin/products/lim', body(7), { store: 'lim' })).status).toBeLessThan(300)
  const draft = { title: 'Draft', status: 'draft', variants: [{ sku: 'LIM-C', prices, maxPerCustomer: 1 }] }
  expect((await staff('PUT', '/v1/admin/products/lim-draft', draft)).status).toBeLessThan(300)
  const written = await limits()
  expect(written).toEqual([
    ['default', 'LIM-A', 2],
    ['default', 'LIM-B', null],
    ['default', 'LIM-C', 1],
    ['lim', 'LIM-A', 7],
    ['lim', 'LIM-B', null],
  ])
  await env.CATALOGUE.prepare('update variants set max_per_customer = null').run()
  await env.CATALOGUE.prepare(fill).run()
  expect(await limits()).toEqual(written)
})
