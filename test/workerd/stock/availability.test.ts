import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { AvailabilityDocument, Band } from '../../../schema/rpc/source.ts'
import type { ItemAvailability } from '../../../schema/rpc/stock.ts'
import { availabilityOf, combineAvailability } from '../../../worker/stock/item-availability.ts'
import { bandsOf, listStockItems, recordAvailability } from '../../../worker/stock/store.ts'
import type { Store } from '../../../worker/stores/store.ts'
import { AT } from './states.ts'
import { STORE, StockItem } from './stock-item.ts'

const live = (
  available: number,
  backorder = 0,
  band: Band = 'in_stock',
  more: Partial<ItemAvailability> = {},
): ItemAvailability => ({
  item: 'i',
  isKnown: true,
  available,
  backorder,
  band,
  availableOn: null,
  asOf: AT,
  ...more,
})
const part = (quantity: number, of: ItemAvailability) => ({ quantity, live: of })

describe('what can be sold of something that consumes several items', () => {
  test.each([
    ['one item, one unit', [part(1, live(7))], 7, 0, 'in_stock'],
    ['the scarcest item decides', [part(1, live(7)), part(1, live(3))], 3, 0, 'in_stock'],
    ['whole units only', [part(2, live(7))], 3, 0, 'in_stock'],
    ['low when one item is low', [part(1, live(9)), part(1, live(2, 0, 'low_stock'))], 2, 0, 'low_stock'],
    ['low when there is not enough for one more kind of unit', [part(4, live(3))], 0, 0, 'out_of_stock'],
    [
      'beyond hand as far as all items go together',
      [part(1, live(0, 4, 'backorder')), part(1, live(3))],
      0,
      3,
      'backorder',
    ],
    [
      'out when one item is out, whatever the others promise',
      [part(1, live(0, 0, 'out_of_stock')), part(1, live(0, 9, 'backorder'))],
      0,
      0,
      'out_of_stock',
    ],
    ['halves that make a whole across hand and beyond', [part(2, live(1, 1))], 0, 1, 'backorder'],
  ] as const)('%s', (_, parts, available, backorder, status) => {
    expect(combineAvailability(parts, AT)).toMatchObject({ available, backorder, status })
  })

  test('it was true when the oldest figure was, and comes when the last item does', () => {
    const parts = [
      part(1, live(0, 1, 'backorder', { asOf: AT - 5, availableOn: AT + 10 })),
      part(1, live(0, 1, 'backorder', { availableOn: AT + 20 })),
    ]
    expect(combineAvailability(parts, AT + 1)).toMatchObject({ asOf: AT - 5, availableOn: AT + 20 })
  })

  test('it is unknown when no item was ever moved, and asking leaves it so', async () => {
    const [known, unknown] = [new StockItem(), new StockItem()]
    await known.receive(10)
    const store = { ref: STORE, lowStockThreshold: 2 } as Store
    const ask = (...items: StockItem[]) =>
      availabilityOf(
        env,
        store,
        items.map(({ item }) => ({ item, quantity: 3 })),
      )
    expect(await ask(known)).toMatchObject({ isKnown: true, available: 3, status: 'in_stock' })
    expect(await ask(unknown)).toMatchObject({ isKnown: false, available: 0, status: 'out_of_stock' })
    expect(await ask(known, unknown)).toMatchObject({ isKnown: true, available: 0 })
    expect(await unknown.tables()).toEqual([])
  })
})

describe('the record of availability', () => {
  const document = (available: number, band: Band, locations = ['main']): AvailabilityDocument => ({
    band,
    availableOn: null,
    onHand: available,
    reserved: 0,
    allocated: 0,
    safetyStock: 0,
    available,
    backorderLimit: 0,
    incoming: 0,
    locations,
    byLocation: locations.map((location) => ({ location, onHand: available, reserved: 0, allocated: 0 })),
  })
  const entry = (store: string, item: string, version: number, of: AvailabilityDocument) => ({
    store,
    document: { kind: 'availability' as const, item, version, document: of },
  })

  test('takes only what is newer, whatever the order of arrival, each store for itself', async () => {
    await recordAvailability(env, [
      entry('s1', 'A', 2, document(5, 'in_stock')),
      entry('s2', 'A', 9, document(0, 'out_of_stock')),
    ])
    await recordAvailability(env, [
      entry('s1', 'A', 1, document(9, 'in_stock')),
      entry('s1', 'B', 1, document(1, 'low_stock')),
    ])
    expect(await bandsOf(env, 's1', ['A', 'B', 'A', 'unknown'])).toEqual(
      new Map([
        ['A', { band: 'in_stock', availableOn: null }],
        ['B', { band: 'low_stock', availableOn: null }],
      ]),
    )
    await recordAvailability(env, [entry('s1', 'A', 3, document(0, 'out_of_stock'))])
    expect((await bandsOf(env, 's1', ['A'])).get('A')?.band).toBe('out_of_stock')
    await recordAvailability(env, [])
    expect(await bandsOf(env, 's1', [])).toEqual(new Map())
  })

  test('carries hundreds of items in one statement', async () => {
    const entries = Array.from({ length: 500 }, (_, i) =>
      entry('many', `ITEM-${String(i).padStart(3, '0')}`, 1, document(i, 'in_stock', ['a', 'b'])),
    )
    await recordAvailability(env, entries)
    const bands = await bandsOf(
      env,
      'many',
      entries.map(({ document: { item } }) => item),
    )
    expect(bands.size).toBe(500)
    const page = await listStockItems(env, 'many', { after: 'ITEM-497', limit: 9, location: 'b', band: null })
    expect(page.map(({ item, onHand, locations }) => [item, onHand, locations])).toEqual([
      ['ITEM-498', 498, ['a', 'b']],
      ['ITEM-499', 499, ['a', 'b']],
    ])
    const none = { after: '', limit: 9, location: null, band: 'backorder' as const }
    expect(await listStockItems(env, 'many', none)).toEqual([])
  })
})
