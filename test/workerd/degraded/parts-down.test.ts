import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { call, staff, until } from '../../support/api.ts'
import { breakDatabase, breakQueue, loseMessages } from '../../support/faults.ts'
import { allEvents, bySubject, checkout, readyCart, stocked } from '../../support/shop.ts'

let sku = ''
let mend = () => {}

beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
})
afterEach(() => mend())

/** Owners nudge again 5 s after an event went unconfirmed; two rounds and the relay's own time fit easily. */
const CURED_WITHIN_MS = 18_000

/** Two orders of five units, then a refusal: what selling looks like to shoppers. */
async function sell(): Promise<string[]> {
  const ids: string[] = []
  for (const quantity of [2, 3]) {
    const cart = await readyCart([{ sku, quantity }])
    expect(cart.status).toBe(201)
    const placed = await checkout(cart.body.id)
    expect(placed.status).toBe(201)
    ids.push(placed.body.id)
    expect((await call('GET', `/v1/orders/${placed.body.id}?token=${placed.body.token}`)).status).toBe(200)
  }
  const refused = await readyCart([{ sku, quantity: 1 }])
  expect(refused.status).toBe(409)
  expect(refused.body.code).toBe('insufficient_stock')
  return ids
}

/** The record and the log have it all, gap-free. */
async function expectArrived(ids: string[]): Promise<void> {
  const recorded = () => staff('GET', `/v1/admin/orders?sku=${sku}`)
  const list = await until(recorded, ({ body }) => body.items?.length === ids.length, CURED_WITHIN_MS)
  expect(list.body.items.map((order: { id: string }) => order.id).sort()).toEqual([...ids].sort())
  const complete = (events: { subject: string; type: string }[]) =>
    ids.every((id) =>
      events.some((event) => event.subject === `order:${id}` && event.type === 'order.paid'),
    ) &&
    events.filter((event) => event.subject === `item:${sku}` && event.type === 'stock.allocated').length ===
      ids.length
  const events = await until(allEvents, complete, CURED_WITHIN_MS)
  const subjects = bySubject(events)
  for (const id of ids)
    expect(subjects.get(`order:${id}`)!.map((event) => event.type)).toEqual(['order.placed', 'order.paid'])
}

describe('holds and orders go on, and record and events arrive once it is back, with', () => {
  test.each(['ORDERS', 'EVENTS'] as const)(
    'D1 %s failing',
    async (binding) => {
      mend = breakDatabase(binding)
      const ids = await sell()
      mend()
      await expectArrived(ids)
    },
    40_000,
  )

  test('the tables of D1 EVENTS gone', async () => {
    await env.EVENTS.exec('ALTER TABLE events RENAME TO events_away')
    mend = () => {}
    const ids = await sell()
    await env.EVENTS.exec('ALTER TABLE events_away RENAME TO events')
    await expectArrived(ids)
  }, 40_000)

  test('the queue refusing every message', async () => {
    mend = breakQueue()
    const ids = await sell()
    mend()
    await expectArrived(ids)
  }, 40_000)

  test('the queue losing every message', async () => {
    mend = loseMessages()
    const ids = await sell()
    mend()
    await expectArrived(ids)
  }, 40_000)
})
