import { runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const DAY_MS = 24 * 3600 * 1000

const positionsOf = async (stock: StockItem) =>
  (await stock.rpc.levels())!.levels.positions.map(({ location, onHand, reserved, allocated }) => [
    location,
    onHand,
    reserved,
    allocated,
  ])

describe('units promised beyond hand', () => {
  test('are promised up to the limit and no further', async () => {
    const stock = new StockItem()
    await stock.receive(2)
    await stock.policy({ backorderLimit: 3 })
    expect(await stock.reserve('a', 4)).toMatchObject({ ok: true })
    expect(await stock.reserve('b', 2)).toMatchObject({ facts: { requested: 2, available: 1 } })
    expect(await stock.rpc.availability(2)).toMatchObject({ available: 0, backorder: 1, band: 'backorder' })
    expect(await positionsOf(stock)).toEqual([
      ['', 0, 2, 0],
      ['main', 2, 2, 0],
    ])
  })

  test('are covered by goods that arrive, oldest promise first, in the row of the arrival', async () => {
    const stock = new StockItem()
    await stock.policy({ backorderLimit: 9 })
    await stock.reserve('old', 2)
    await stock.allocate('old', 2)
    await stock.reserve('new', 2)
    await stock.receive(3)
    expect(await positionsOf(stock)).toEqual([
      ['', 0, 1, 0],
      ['main', 3, 1, 2],
    ])
    expect((await stock.ledger()).at(-1)).toMatchObject({
      type: 'receive',
      deltas: [
        { location: 'main', onHand: 3, reserved: 1, allocated: 2 },
        { location: '', onHand: 0, reserved: -1, allocated: -2 },
      ],
    })
    await stock.receive(1)
    expect(await positionsOf(stock)).toEqual([['main', 4, 2, 2]])
  })

  test('are covered by goods that another hold gives back', async () => {
    const stock = new StockItem()
    await stock.receive(2)
    await stock.policy({ backorderLimit: 2 })
    await stock.reserve('first', 2)
    await stock.reserve('waiting', 2)
    await stock.release('first')
    expect(await positionsOf(stock)).toEqual([['main', 2, 2, 0]])
    expect(await stock.release('waiting')).toEqual({ ok: true })
    expect(await stock.counts()).toEqual([2, 0, 0, 2])
  })
})

test('safety stock is never held', async () => {
  const stock = new StockItem()
  await stock.receive(5)
  await stock.policy({ safetyStock: 3 })
  expect(await stock.reserve('a', 3)).toMatchObject({ facts: { requested: 3, available: 2 } })
  expect(await stock.reserve('a', 2)).toMatchObject({ ok: true })
})

test('the lot that expires first is sold first, and a lot past its date is not sold', async () => {
  const stock = new StockItem()
  await stock.receive(2, { lot: 'late', expiresAt: now() + 2 * DAY_MS })
  await stock.receive(2, { lot: 'early', expiresAt: now() + DAY_MS })
  await stock.reserve('a', 3)
  const { levels } = (await stock.rpc.levels())!
  expect(levels.positions.map(({ lot, reserved }) => [lot, reserved])).toEqual([
    ['early', 2],
    ['late', 1],
  ])
  await stock.release('a')
  testClock.advance(DAY_MS)
  expect(await stock.counts()).toEqual([2, 0, 0, 2])
  expect(await stock.reserve('b', 3)).toMatchObject({ facts: { available: 2 } })
})

test('when a lot ends, the band follows by the alarm', async () => {
  const stock = new StockItem()
  await stock.receive(5, { lot: 'l', expiresAt: now() + DAY_MS })
  testClock.advance(DAY_MS)
  expect(await runDurableObjectAlarm(stock.stub)).toBe(true)
  const { events, document } = await stock.rpc.pull(100)
  expect(events.map(({ type }) => type)).toEqual([
    'stock.received',
    'stock.availability_changed',
    'stock.adjusted',
    'stock.availability_changed',
  ])
  expect(JSON.parse(events[2]!.data).movement).toMatchObject({
    reason: 'expired',
    actor: 'alarm',
    quantity: -5,
    deltas: [{ location: 'main', lot: 'l', onHand: -5 }],
  })
  expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ previous: 'in_stock', current: 'out_of_stock' })
  expect(document).toMatchObject({ document: { band: 'out_of_stock', available: 0 } })
})

test('less safety stock covers at once what was promised beyond hand, with a row of its own', async () => {
  const stock = new StockItem()
  await stock.receive(5)
  await stock.policy({ safetyStock: 3, backorderLimit: 2 })
  await stock.reserve('a', 4)
  await stock.allocate('a', 4)
  expect(await stock.fulfill('a', 3)).toMatchObject({ facts: { onHand: 2 } })
  await stock.policy({ safetyStock: 1, backorderLimit: 2 })
  expect(await positionsOf(stock)).toEqual([['main', 5, 0, 4]])
  expect((await stock.ledger()).at(-1)).toMatchObject({
    type: 'adjust',
    quantity: 0,
    actor: 'policy',
    deltas: [
      { location: 'main', allocated: 2 },
      { location: '', allocated: -2 },
    ],
  })
  expect(await stock.fulfill('a', 4)).toMatchObject({ ok: true })
})

describe('safety stock of a position', () => {
  test('is kept there and nowhere else', async () => {
    const stock = new StockItem()
    await stock.receive(5, { location: 'shop' })
    await stock.receive(10, { location: 'warehouse', locationPriority: 1 })
    await stock.policy({}, [{ location: 'shop', locationPriority: 0, lot: '', safetyStock: 3 }])
    expect((await stock.rpc.levels())!.levels).toMatchObject({ safetyStock: 3, available: 12 })
    expect(await stock.reserve('a', 13)).toMatchObject({ facts: { available: 12 } })
    await stock.reserve('a', 12)
    expect(await positionsOf(stock)).toEqual([
      ['shop', 5, 2, 0],
      ['warehouse', 10, 10, 0],
    ])
  })

  test('withholds no more than the position has', async () => {
    const stock = new StockItem()
    await stock.receive(10, { location: 'warehouse' })
    await stock.policy({}, [{ location: 'shop', locationPriority: 0, lot: '', safetyStock: 3 }])
    expect(await stock.counts()).toEqual([10, 0, 0, 10])
    await stock.receive(2, { location: 'shop' })
    expect(await stock.counts()).toEqual([12, 0, 0, 10])
  })

  test('that a policy does not name again is over', async () => {
    const stock = new StockItem()
    await stock.receive(5)
    await stock.policy({}, [{ location: 'main', locationPriority: 0, lot: '', safetyStock: 3 }])
    await stock.policy({})
    expect(await stock.counts()).toEqual([5, 0, 0, 5])
  })
})

test('10 and 15 in stock, an order of 13: exactly 13 are held, over both', async () => {
  const stock = new StockItem()
  await stock.receive(10, { location: 'near' })
  await stock.receive(15, { location: 'far', locationPriority: 1 })
  await stock.reserve('a', 13)
  await stock.allocate('a', 13)
  expect(await positionsOf(stock)).toEqual([
    ['far', 15, 0, 3],
    ['near', 10, 0, 10],
  ])
})

test('a lot whose goods and promises are over makes room for another', async () => {
  const stock = new StockItem()
  await stock.receive(2, { lot: 'l', expiresAt: now() + DAY_MS })
  testClock.advance(DAY_MS)
  await runDurableObjectAlarm(stock.stub)
  expect(await positionsOf(stock)).toEqual([])
  expect(await stock.receive(1, { lot: 'l', expiresAt: now() })).toMatchObject({ code: 'stock_conflict' })
  expect(await stock.receive(1, { lot: 'l', expiresAt: now() + DAY_MS })).toMatchObject({ ok: true })
})

test('a location that gives first does so from its next movement on', async () => {
  const stock = new StockItem()
  await stock.receive(5, { location: 'near', locationPriority: 2 })
  await stock.receive(5, { location: 'far', locationPriority: 1 })
  await stock.reserve('a', 1)
  await stock.receive(1, { location: 'near', locationPriority: 0 })
  await stock.reserve('b', 1)
  expect(await positionsOf(stock)).toEqual([
    ['far', 5, 1, 0],
    ['near', 6, 1, 0],
  ])
})
