import { env } from 'cloudflare:workers'
import { beforeEach, expect, test } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { testClock } from '../../../runtime/clock.ts'
import { staff, until } from '../../support/api.ts'
import { loseMessages } from '../../support/faults.ts'
import { received } from '../../support/shop.ts'
import { audit, corrupt, ledgerOf, STORE, settled, toldDrifts } from './audited-shop.ts'

let item = ''
beforeEach(async () => {
  item = `ITEM-${crypto.randomUUID().slice(0, 8)}`
  await received(item, 50)
  await settled(item)
  return () => testClock.reset()
})

const update = (sql: string) => env.CATALOGUE.prepare(sql.replaceAll('$ITEM', item)).run()
const rows = async () =>
  (
    await env.CATALOGUE.batch([
      env.CATALOGUE.prepare('select * from stock_items where item = ?').bind(item),
      env.CATALOGUE.prepare('select * from stock_item_locations where item = ?').bind(item),
    ])
  ).map(({ results }) => results)

test.each([
  ['band', "'out_of_stock'", 'in_stock'],
  ['onHand', '49', '50'],
  ['available', '7', '50'],
  ['reserved', '1', '0'],
  ['allocated', '1', '0'],
  ['safetyStock', '1', '0'],
  ['backorderLimit', '1', '0'],
  ['incoming', '5', '0'],
  ['availableOn', "'2099-01-01T00:00:00.000Z'", 'null'],
  ['version', '40', '2'],
  ['version', '0', '2'],
])('a record with a wrong %s (%s) is found, told once, and written again', async (field, wrong, right) => {
  const before = await rows()
  const column = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  await update(`update stock_items set ${column} = ${wrong} where item = '$ITEM'`)
  const { body } = await audit(item)
  const drift = { kind: 'record', field, found: wrong.replaceAll("'", ''), expected: right }
  expect(body).toMatchObject({ isSound: false, drifts: [drift], record: { isRepaired: true } })
  const told = await until(
    () => toldDrifts(item),
    (events) => events.length > 0,
  )
  expect(told.map(({ data }) => data.drifts)).toEqual([[drift]])
  // Telling it was an event, so the record has a newer version by now.
  expect(await settled(item)).toMatchObject({ isSound: true, record: { isRepaired: false } })
  const withoutVersion = (lists: unknown[][]) =>
    lists.flat().map((row) => ({ ...(row as object), version: 0 }))
  expect(withoutVersion(await rows())).toEqual(withoutVersion(before))
})

test('wrong figures of one location, rows that are gone and lists that are none are written again', async () => {
  for (const wrong of [
    "update stock_item_locations set on_hand = 3 where item = '$ITEM'",
    "delete from stock_item_locations where item = '$ITEM'",
    "update stock_items set locations = '[]' where item = '$ITEM'",
    "update stock_items set locations = 'no list' where item = '$ITEM'",
    "delete from stock_items where item = '$ITEM'",
  ]) {
    const [, right] = await rows()
    const ledger = await ledgerOf(item)
    await update(wrong)
    expect((await audit(item)).body, wrong).toMatchObject({ isSound: false, record: { isRepaired: true } })
    expect(await settled(item), wrong).toMatchObject({ isSound: true })
    expect((await rows())[1], wrong).toEqual(right)
    expect(await ledgerOf(item)).toEqual(ledger)
  }
})

test('figures that were not recorded before an upgrade are filled in and are no drift', async () => {
  await update(
    "update stock_item_locations set on_hand = null, reserved = null, allocated = null where item = '$ITEM'",
  )
  const { body } = await audit(item)
  expect(body).toMatchObject({ isSound: true, drifts: [], record: { isRepaired: true } })
  expect((await rows())[1]).toMatchObject([{ on_hand: 50, reserved: 0, allocated: 0 }])
})

test('a record that is only late is left to the relay, and written when that takes too long', async () => {
  const mend = loseMessages()
  await received(item, 5)
  const early = await audit(item)
  expect(early.body).toMatchObject({ isSound: true, record: { isBehind: true, isRepaired: false } })
  testClock.advance(11_000)
  const late = await audit(item)
  mend()
  expect(late.body).toMatchObject({ isSound: true, drifts: [], record: { isRepaired: true } })
  expect((await rows())[0]).toMatchObject([{ on_hand: 55 }])
})

test('a date that has passed is taken off the record and is no drift', async () => {
  await staff('PUT', `/v1/admin/stock/${item}/policy`, {
    availableOn: new Date(Date.now() + 5_000).toISOString(),
  })
  await settled(item)
  expect((await rows())[0]).toMatchObject([{ available_on: expect.any(String) }])
  testClock.advance(10_000)
  expect((await audit(item)).body).toMatchObject({ isSound: true, drifts: [], record: { isRepaired: true } })
  expect((await rows())[0]).toMatchObject([{ available_on: null }])
})

test('the record of an item that is gone is told of and stays', async () => {
  const lost = `LOST-${item}`
  await update(
    `insert into stock_items (store, item, version, band, on_hand, reserved, allocated, safety_stock, available, backorder_limit, locations)
     values ('default', '${lost}', 7, 'in_stock', 1, 0, 0, 0, 1, 0, '[]')`,
  )
  const { status, body } = await audit(lost)
  expect([status, body.isSound, body.sequence]).toEqual([200, false, null])
  expect(body.drifts).toEqual([{ kind: 'record', field: 'version', found: '7', expected: 'none' }])
  expect(await stockOf(env, STORE, lost).levels()).toBeNull()
})

test('a wrong counter is told by route and event, and the ledger stays as it was', async () => {
  const before = await ledgerOf(item)
  await corrupt(item, 'update position set on_hand = 60')
  const drift = { kind: 'counter', counter: 'onHand', where: 'main', found: 60, expected: 50, by: 'ledger' }
  const { body } = await audit(item)
  expect(body.drifts).toContainEqual(drift)
  const [event] = await until(
    () => toldDrifts(item),
    (events) => events.length > 0,
  )
  expect(event.data.drifts).toContainEqual(drift)
  await settled(item)
  await audit(item)
  expect(await ledgerOf(item)).toEqual(before)
  const later = await until(
    () => audit(item),
    ({ body }) => body.drifts.length === 1,
  )
  expect(later.body.drifts).toEqual([drift])
})
