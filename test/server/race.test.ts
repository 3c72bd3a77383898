import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  newStateDir,
  removeStateDir,
  type SpawnedServer,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'
import { buy, sendOnce } from '../../scripts/shopper.ts'
import { levelsOf, shelve } from './support/stock-shelf.ts'

const BUYERS = 300
const UNITS = 50

const stateDir = newStateDir()
let server: SpawnedServer

beforeAll(async () => {
  server = await spawnServer({ stateDir })
})

afterAll(async () => {
  await server?.killGroup()
  removeStateDir(stateDir)
})

test.each([
  ['line', 'RACE-BY-CART', 'a unit put in a cart is held'],
  ['checkout', 'RACE-BY-CHECKOUT', 'units are held at checkout only'],
])('300 buyers racing for 50 units give 50 orders and 250 refusals (hold: %s)', async (hold, sku) => {
  const { api } = server
  await shelve(api, sku, UNITS)
  const purchases = await Promise.all(
    Array.from({ length: BUYERS }, () => buy(sendOnce(api), [{ sku, quantity: 1 }], { hold })),
  )

  const last = purchases.map(({ cart, checkout }) => checkout ?? cart)
  const placed = last.filter(({ status }) => status === 201)
  const refused = last.filter(({ status }) => status === 409)
  expect([placed.length, refused.length]).toEqual([UNITS, BUYERS - UNITS])
  for (const { body } of refused) {
    expect(body).toMatchObject({ code: 'insufficient_stock', lines: [{ sku, requested: 1 }] })
  }
  expect(new Set(placed.map(({ body }) => body.id)).size).toBe(UNITS)
  expect(await levelsOf(api, sku)).toMatchObject({
    onHand: UNITS,
    reserved: 0,
    allocated: UNITS,
    available: 0,
  })
})
