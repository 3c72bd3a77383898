import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AvailabilityDocument, Band } from '../../../schema/rpc/source.ts'
import { listStockItems, recordAvailability } from '../../../worker/stock/store.ts'
import { type Answer, staff, until } from '../../support/api.ts'

const BANDS = ['in_stock', 'low_stock', 'out_of_stock', 'backorder'] as const satisfies Band[]

function document(band: Band, places: Record<string, number>, incoming = 0): AvailabilityDocument {
  const byLocation = Object.entries(places).map(([location, onHand]) => ({
    location,
    onHand,
    reserved: 0,
    allocated: 0,
  }))
  const onHand = byLocation.reduce((sum, place) => sum + place.onHand, 0)
  return {
    band,
    availableOn: null,
    onHand,
    reserved: 0,
    allocated: 0,
    safetyStock: 0,
    available: onHand,
    backorderLimit: 0,
    incoming,
    locations: Object.keys(places),
    byLocation,
  }
}

const entry = (store: string, item: string, version: number, of: AvailabilityDocument) => ({
  store,
  document: { kind: 'availability' as const, item, version, document: of },
})

/** The worker's environment with a count of the rows that its statements read, as billed. */
function countingEnv(): { env: Env; rows: { read: number } } {
  const rows = { read: 0 }
  const counting = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        if (name === 'bind') return (...values: unknown[]) => counting(target.bind(...values))
        if (name !== 'all') return Reflect.get(target, name)
        return async () => {
          const result = await target.all()
          rows.read += result.meta.rows_read
          return result
        }
      },
    })
  const CATALOGUE = { prepare: (sql: string) => counting(env.CATALOGUE.prepare(sql)) }
  return { env: { ...env, CATALOGUE } as unknown as Env, rows }
}

describe('a page of the list', () => {
  const STORE = 'large'
  const name = (i: number) => `ITEM-${String(i).padStart(4, '0')}`

  beforeAll(async () => {
    // Every item is at `main`, one in fifty at `annex`; the bands take turns, and one item alone is on backorder.
    const documents = Array.from({ length: 2_000 }, (_, i) => {
      const band = i === 1_999 ? 'backorder' : BANDS[i % 3]!
      return entry(STORE, name(i), 1, document(band, i % 50 === 49 ? { main: i, annex: 1 } : { main: i }))
    })
    await recordAvailability(env, documents)
  })

  test.each([
    ['without filters', null, null, 20],
    ['of one status', null, 'low_stock', 20],
    ['of the rarest status', null, 'backorder', 1],
    ['of one location', 'main', null, 20],
    ['of a location that few items have', 'annex', null, 20],
    ['of one location and status', 'main', 'out_of_stock', 20],
    ['of a location and status that few items have', 'annex', 'in_stock', 13],
    ['of a location and status that one item has', 'annex', 'backorder', 1],
    ['of a location that no item has', 'nowhere', null, 0],
  ] as const)(
    '%s reads in proportion to what it shows, not to the store',
    async (_, location, band, shown) => {
      const counting = countingEnv()
      const page = await listStockItems(counting.env, STORE, { after: '', limit: 20, location, band })
      expect(page).toHaveLength(shown)
      for (const item of page) {
        if (band) expect(item.band).toBe(band)
        if (location) expect(item.atLocation?.location).toBe(location)
      }
      // Two for each item (an index entry or a location's row, and the item) and a look at what comes behind.
      expect(counting.rows.read).toBeLessThanOrEqual(2 * shown + 2)
    },
  )

  test('in the middle reads no more than the first', async () => {
    const counting = countingEnv()
    const query = { after: name(1_500), limit: 20, location: 'main', band: 'in_stock' as const }
    expect(await listStockItems(counting.env, STORE, query)).toHaveLength(20)
    expect(counting.rows.read).toBeLessThanOrEqual(42)
  })
})

/** The results of every batch that `work` sends to the catalogue. */
async function batchesOf(work: () => Promise<void>): Promise<D1Result[]> {
  const batch = env.CATALOGUE.batch.bind(env.CATALOGUE)
  const all: D1Result[] = []
  Object.assign(env.CATALOGUE, {
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await batch(statements)
      all.push(...results)
      return results
    },
  })
  await work().finally(() => delete (env.CATALOGUE as unknown as Record<string, unknown>).batch)
  return all
}

describe('the record by location', () => {
  const at = async (store: string, location: string) =>
    (await listStockItems(env, store, { after: '', limit: 9, location, band: null })).map(
      ({ item, atLocation }) => [item, atLocation?.onHand],
    )

  test('follows an item that comes to a location, changes there and leaves it', async () => {
    await recordAvailability(env, [entry('moves', 'A', 1, document('in_stock', { main: 5 }))])
    await recordAvailability(env, [entry('moves', 'A', 2, document('in_stock', { main: 3, annex: 2 }, 7))])
    expect([await at('moves', 'main'), await at('moves', 'annex')]).toEqual([[['A', 3]], [['A', 2]]])
    const [item] = await listStockItems(env, 'moves', { after: '', limit: 9, location: null, band: null })
    expect(item).toMatchObject({ incoming: 7, locations: ['main', 'annex'] })
    expect(item).not.toHaveProperty('atLocation')
    await recordAvailability(env, [entry('moves', 'A', 3, document('in_stock', { annex: 4 }))])
    expect([await at('moves', 'main'), await at('moves', 'annex')]).toEqual([[], [['A', 4]]])
  })

  test('ignores what is older, whatever the order of arrival', async () => {
    await recordAvailability(env, [entry('late', 'A', 5, document('in_stock', { main: 5 }))])
    await recordAvailability(env, [entry('late', 'A', 4, document('low_stock', { annex: 9 }))])
    await recordAvailability(env, [entry('late', 'A', 5, document('in_stock', { main: 5 }))])
    expect([await at('late', 'main'), await at('late', 'annex')]).toEqual([[['A', 5]], []])
    const low = { after: '', limit: 9, location: 'main', band: 'low_stock' as const }
    expect(await listStockItems(env, 'late', low)).toEqual([])
  })

  test('takes a document of the version before, which knows no figures by location', async () => {
    const { incoming: _, byLocation: __, ...old } = document('in_stock', { main: 5 }, 3)
    await recordAvailability(env, [entry('old', 'A', 1, old as AvailabilityDocument)])
    const [item] = await listStockItems(env, 'old', { after: '', limit: 9, location: 'main', band: null })
    expect(item).toMatchObject({
      incoming: 0,
      onHand: 5,
      atLocation: { location: 'main', onHand: null, reserved: null, allocated: null },
    })
  })

  test('writes only the location that changed', async () => {
    const places = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`place-${i}`, 10]))
    await recordAvailability(env, [entry('few', 'A', 1, document('in_stock', places))])
    const written = await env.CATALOGUE.prepare(
      `select count(*) as n from stock_item_locations where store = 'few'`,
    ).first<number>('n')
    expect(written).toBe(40)
    const changed = entry('few', 'A', 2, document('in_stock', { ...places, 'place-7': 9 }))
    const results = await batchesOf(() => recordAvailability(env, [changed]))
    expect(results.at(-1)!.meta.changes).toBe(1)
  })

  test('is written without a look at the other items of the store', async () => {
    const others = Array.from({ length: 500 }, (_, i) =>
      entry('busy', `I-${i}`, 1, document('in_stock', { main: i })),
    )
    await recordAvailability(env, others)
    const moved = entry('busy', 'I-7', 2, document('in_stock', { annex: 7 }))
    const results = await batchesOf(() => recordAvailability(env, [moved]))
    expect(results.reduce((sum, { meta }) => sum + meta.rows_read, 0)).toBeLessThan(20)
    expect(await at('busy', 'annex')).toEqual([['I-7', 7]])
  })

  test('takes hundreds of items with hundreds of locations in one call', async () => {
    const places = Object.fromEntries(
      Array.from({ length: 250 }, (_, i) => [`a-rather-long-code-of-a-location-${i}`, i]),
    )
    const entries = Array.from({ length: 100 }, (_, i) =>
      entry('wide', `I-${i}`, 1, document('in_stock', places)),
    )
    await recordAvailability(env, entries)
    expect(await at('wide', 'a-rather-long-code-of-a-location-249')).toHaveLength(9)
  })
})

test('rows of before the upgrade are listed by location, their figures unknown until the next document', async () => {
  const { MIGRATIONS } = env as unknown as {
    MIGRATIONS: { CATALOGUE: { name: string; queries: string[] }[] }
  }
  const migration = MIGRATIONS.CATALOGUE.find(({ name }) => name.startsWith('0006'))!
  const fill = migration.queries.find((sql) => /insert or ignore into stock_item_locations/i.test(sql))!
  await env.CATALOGUE.prepare(
    `insert into stock_items (store, item, version, band, on_hand, reserved, allocated, safety_stock, available, backorder_limit, locations)
     values ('before', 'A', 3, 'low_stock', 4, 0, 0, 0, 4, 0, '["annex","main"]')`,
  ).run()
  await env.CATALOGUE.prepare(fill).run()
  const query = { after: '', limit: 9, location: 'annex', band: 'low_stock' as const }
  expect(await listStockItems(env, 'before', query)).toMatchObject([
    { item: 'A', onHand: 4, incoming: 0, atLocation: { location: 'annex', onHand: null } },
  ])
  await recordAvailability(env, [entry('before', 'A', 4, document('low_stock', { main: 1, annex: 2 }))])
  expect(await listStockItems(env, 'before', query)).toMatchObject([{ atLocation: { onHand: 2 } }])
})

describe('over HTTP', () => {
  interface Page {
    items: { item: string; status: string; incoming: number; atLocation?: object }[]
    nextCursor: string | null
  }

  async function listed(query: string, limit = 2): Promise<Page['items']> {
    const items: Page['items'] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Answer<Page> = await staff(
        'GET',
        `/v1/admin/stock?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`,
        undefined,
        { store: 'listed' },
      )
      expect(page.status).toBe(200)
      items.push(...page.body.items)
      cursor = page.body.nextCursor
    }
    return items
  }

  test('the list is narrowed by location and status, every page of it, with what the location has', async () => {
    const store = 'listed'
    await staff('PUT', '/v1/admin/stores/listed', { name: 'Listed' })
    await staff('PUT', '/v1/admin/locations/annex', { priority: 1 }, { store })
    const move = (item: string, location: string, quantity: number) =>
      staff('POST', `/v1/admin/stock/${item}/movements`, { type: 'receive', location, quantity }, { store })
    for (const item of ['A', 'B', 'C', 'D', 'E']) {
      expect((await move(item, 'main', item < 'D' ? 50 : 1)).status).toBe(201)
      if (item !== 'C') await move(item, 'annex', 1)
    }
    await staff('PUT', '/v1/admin/stock/A/incoming/PO-1', { location: 'annex', quantity: 12 }, { store })
    await until(
      () => listed('&location=annex'),
      (items) => items.length === 4 && items[0]?.incoming === 12,
    )
    const names = async (query: string) => (await listed(query)).map(({ item }) => item)
    expect(await names('')).toEqual(['A', 'B', 'C', 'D', 'E'])
    expect(await names('&location=annex')).toEqual(['A', 'B', 'D', 'E'])
    expect(await names('&location=annex&status=low_stock')).toEqual(['D', 'E'])
    expect(await names('&status=in_stock')).toEqual(['A', 'B', 'C'])
    expect(await names('&location=annex&status=backorder')).toEqual([])
    const [first] = await listed('&location=main')
    expect(first).toMatchObject({
      item: 'A',
      onHand: 51,
      incoming: 12,
      atLocation: { location: 'main', onHand: 50, reserved: 0, allocated: 0 },
    })
  })
})
