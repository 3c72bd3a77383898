import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { OrderRecord } from '../../../schema/rpc/source.ts'
import { recordParked } from '../../../worker/events/log-store.ts'
import { recordOrders } from '../../../worker/orders/store.ts'
import { call, staff } from '../../support/api.ts'
import { breakDatabase } from '../../support/faults.ts'

const status = (store: string) => staff('GET', '/v1/admin/status', undefined, { store })

async function newStore(): Promise<string> {
  const store = `s-${crypto.randomUUID().slice(0, 8)}`
  await staff('PUT', `/v1/admin/stores/${store}`, { name: 'Store' })
  return store
}

function order(store: string, version: number, stuck?: OrderRecord['stuck']) {
  const document: OrderRecord = {
    number: 'N-1',
    status: 'placed',
    paymentStatus: 'paid',
    fulfillmentStatus: 'unfulfilled',
    email: null,
    skus: [],
    items: [],
    placedAt: 1_000,
    order: JSON.stringify({ id: 'ord_a', version }),
    ...(stuck && { stuck }),
  }
  return { store, document: { kind: 'order' as const, orderId: 'ord_a', version, document } }
}

test('the status shows effects that keep failing from the time they were first heard of until they are done', async () => {
  const store = await newStore()
  expect((await status(store)).body).toEqual({ stuckEffects: [], parkedSources: [] })
  const refund = { effect: 'rfd_1', what: 'refund' }
  await recordOrders(env, [order(store, 2, [refund])])
  const [first] = (await status(store)).body.stuckEffects
  expect(first).toMatchObject({ orderId: 'ord_a', ...refund })
  await recordOrders(env, [order(store, 3, [refund, { effect: 'x/ITEM', what: 'fulfill' }])])
  // A document that was overtaken changes nothing.
  await recordOrders(env, [order(store, 1, [])])
  const { stuckEffects } = (await status(store)).body
  expect(stuckEffects.map(({ effect }: any) => effect)).toEqual(['rfd_1', 'x/ITEM'])
  expect(stuckEffects[0]).toEqual(first)
  await recordOrders(env, [order(store, 4, [])])
  expect((await status(store)).body.stuckEffects).toEqual([])
})

test('the status shows sources that were set aside, of its own store alone', async () => {
  const [store, other] = [await newStore(), await newStore()]
  await recordParked(env, { store, kind: 'purchase', key: 'p' }, 'the run has a gap', 1_800_000_000_000)
  expect((await status(store)).body.parkedSources).toEqual([
    {
      kind: 'purchase',
      key: 'p',
      reason: 'the run has a gap',
      firstAt: '2027-01-15T08:00:00.000Z',
      lastAt: '2027-01-15T08:00:00.000Z',
      times: 1,
    },
  ])
  expect((await status(other)).body.parkedSources).toEqual([])
})

test('the status needs a key with its scope, and is 503 while the record does not answer', async () => {
  expect((await call('GET', '/v1/admin/status')).status).toBe(401)
  const store = await newStore()
  await status(store)
  const mend = breakDatabase('ORDERS')
  try {
    expect((await status(store)).body.code).toBe('unavailable')
  } finally {
    mend()
  }
})
