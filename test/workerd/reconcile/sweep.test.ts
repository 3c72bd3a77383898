import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { parseOrderId } from '../../../schema/ids.ts'
import { sweepStock } from '../../../worker/reconcile/sweep.ts'
import { staff, until } from '../../support/api.ts'
import { breakDatabase, breakStock } from '../../support/faults.ts'
import { received, stocked } from '../../support/shop.ts'
import { ledgerOf, phantom, placed, settled, stubOf, toldByItem, toldDrifts } from './audited-shop.ts'

const ITEMS = Array.from({ length: 45 }, (_, i) => `ITEM-${String(i).padStart(2, '0')}`)

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/another', { name: 'Another' })
  await staff(
    'POST',
    '/v1/admin/stock/ITEM-00/movements',
    { type: 'receive', location: 'main', quantity: 1 },
    { store: 'another' },
  )
  for (const item of ITEMS) await received(item, 10)
  for (const item of ITEMS) await settled(item)
})

beforeEach(async () => {
  await env.CATALOGUE.prepare('delete from reconcile_cursor').run()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  return () => {
    vi.restoreAllMocks()
  }
})

const cursor = () => env.CATALOGUE.prepare('select store, item, after from reconcile_cursor').first()

test('the sweep audits every item in turn, whatever one of them does, and begins anew', async () => {
  const ghosts = { 'ITEM-03': await phantom('ITEM-03', 1), 'ITEM-44': await phantom('ITEM-44', 2) }
  for (const item of Object.keys(ghosts))
    await until(
      () => recordedAllocated(item),
      (units) => units > 0,
    )
  const ledger = await ledgerOf('ITEM-03')
  await env.CATALOGUE.prepare("update stock_items set on_hand = 99 where item = 'ITEM-21'").run()
  const mend = breakStock(['ITEM-10'], 'allocations', 'before')
  const seen = []
  for (let run = 0; run < 3; run++) {
    await sweepStock(env)
    seen.push(await cursor())
  }
  mend()
  expect(seen).toEqual([
    { store: 'default', item: 'ITEM-18', after: '' },
    { store: 'default', item: 'ITEM-38', after: '' },
    { store: '', item: '', after: '' },
  ])
  for (const [item, orderId] of Object.entries(ghosts)) {
    const [event] = await until(
      () => toldDrifts(item),
      (events) => events.length > 0,
    )
    expect(event.data.drifts).toMatchObject([{ kind: 'allocation_without_order', orderId }])
  }
  expect(
    await env.CATALOGUE.prepare("select on_hand from stock_items where item = 'ITEM-21'").first('on_hand'),
  ).toBe(10)
  expect(await ledgerOf('ITEM-03')).toEqual(ledger)
  for (let run = 0; run < 3; run++) await sweepStock(env)
  expect(await toldDrifts('ITEM-03')).toHaveLength(1)
})

test('an item with more orders than a run asks is gone on with in the next', async () => {
  await env.ORDERS.prepare(
    `insert into order_items (store, item, order_id, quantity) select 'default', 'ITEM-05', value, 1 from json_each(?)`,
  )
    .bind(JSON.stringify(Array.from({ length: 120 }, (_, i) => `ord_${String(i).padStart(28, '0')}`)))
    .run()
  const left = async () =>
    env.ORDERS.prepare("select count(*) as n from order_items where item = 'ITEM-05'").first<number>('n')
  const seen = []
  for (let run = 0; run < 2; run++) {
    await sweepStock(env)
    seen.push([(await cursor())?.item, await left()])
  }
  expect(seen).toEqual([
    ['ITEM-05', 20],
    ['ITEM-24', 0],
  ])
})

test('a run goes on within an item where the last one ended', async () => {
  const ghost = await phantom('ITEM-06', 1)
  await env.CATALOGUE.prepare("insert into reconcile_cursor values (1, 'default', 'ITEM-06', ?)")
    .bind(parseOrderId(ghost))
    .run()
  await sweepStock(env)
  expect([await toldByItem('ITEM-06'), (await cursor())?.item]).toEqual([0, 'ITEM-25'])
  await env.CATALOGUE.prepare("update reconcile_cursor set item = 'ITEM-05'").run()
  await sweepStock(env)
  expect(await toldByItem('ITEM-06')).toBe(1)
})

test('orders that are older than the record of their items are asked for them', async () => {
  await stocked('OLD', 5)
  const { id } = await placed('OLD', 2)
  await settled('OLD')
  await env.ORDERS.batch([
    env.ORDERS.prepare('update orders set has_items = 0'),
    env.ORDERS.prepare('delete from order_items'),
    env.ORDERS.prepare(
      `insert into orders (store, order_id, version, number, status, payment_status, fulfillment_status, placed_at, document)
       values ('default', 'ord_0000000000000000000000000000', 1, 'N', 'placed', 'paid', 'unfulfilled', 1, '{}')`,
    ),
  ])
  await sweepStock(env)
  const { results } = await env.ORDERS.prepare('select order_id, item, quantity from order_items').all()
  expect(results).toEqual([{ order_id: id, item: 'OLD', quantity: 2 }])
  expect(await env.ORDERS.prepare('select count(*) as n from orders where has_items = 0').first('n')).toBe(0)
})

test('a run without its databases, or without the objects, loses no turn', async () => {
  for (const database of ['ORDERS', 'CATALOGUE'] as const) {
    const mend = breakDatabase(database)
    await expect(sweepStock(env)).rejects.toThrow('injected')
    mend()
  }
  await sweepStock(env)
  expect(await cursor()).toMatchObject({ item: 'ITEM-18' })
})

test('an audit of an item that is well writes nothing', async () => {
  for (const item of ITEMS.slice(30, 34)) await settled(item)
  const tables = ['stock_items', 'stock_item_locations']
  const before = await env.CATALOGUE.batch(
    tables.map((table) => env.CATALOGUE.prepare(`select * from ${table}`)),
  )
  const written = () => runInDurableObject(stubOf('ITEM-31'), (stock) => stock.rowsWritten)
  const rows = await written()
  await settled('ITEM-31')
  expect(await written()).toBe(rows)
  const after = await env.CATALOGUE.batch(
    tables.map((table) => env.CATALOGUE.prepare(`select * from ${table}`)),
  )
  expect(after.map(({ results }) => results)).toEqual(before.map(({ results }) => results))
})

async function recordedAllocated(item: string): Promise<number> {
  const row = env.CATALOGUE.prepare('select allocated from stock_items where store = ? and item = ?')
  return (await row.bind('default', item).first<number>('allocated')) ?? 0
}
