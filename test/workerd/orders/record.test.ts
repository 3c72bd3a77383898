import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import type { OrderRecord, OrderToRecord } from '../../../schema/rpc/source.ts'
import { listOrders, type OrderFilter, recordOrders } from '../../../worker/orders/store.ts'

let store = ''
beforeEach(() => {
  store = `s-${crypto.randomUUID()}`
})

function order(orderId: string, version = 1, change: Partial<OrderRecord> = {}): OrderToRecord {
  const document: OrderRecord = {
    number: `N-${orderId}`,
    status: 'placed',
    paymentStatus: 'paid',
    fulfillmentStatus: 'unfulfilled',
    email: 'ada@example.com',
    skus: ['TEE'],
    items: [],
    placedAt: 1_000,
    order: JSON.stringify({ id: orderId, version }),
    ...change,
  }
  return { store, document: { kind: 'order', orderId, version, document } }
}

async function listed(filter: OrderFilter = {}, of = store): Promise<unknown[]> {
  const { orders } = await listOrders(env, of, filter, null, 100)
  return orders.map(({ id, version }) => `${id}/${version}`)
}

describe('the record of orders', () => {
  test('keeps the newest version, in whichever order and however often they arrive', async () => {
    await recordOrders(env, [order('a', 2), order('a', 1)])
    await recordOrders(env, [order('a', 1)])
    expect(await listed()).toEqual(['a/2'])
    await recordOrders(env, [order('a', 3), order('a', 3), order('b')])
    await recordOrders(env, [order('a', 3)])
    expect(await listed()).toEqual(['b/1', 'a/3'])
  })

  test('follows the SKUs of the newest version', async () => {
    await recordOrders(env, [order('a', 1, { skus: ['TEE', 'CAP'] })])
    await recordOrders(env, [order('a', 3, { skus: ['CAP', 'MUG'] })])
    await recordOrders(env, [order('a', 2, { skus: ['TEE', 'BAG'] })])
    expect(await listed({ sku: 'TEE' })).toEqual([])
    expect(await listed({ sku: 'BAG' })).toEqual([])
    expect(await listed({ sku: 'CAP' })).toEqual(['a/3'])
    expect(await listed({ sku: 'MUG' })).toEqual(['a/3'])
  })

  test('filters by each member, and joins filters by "and"', async () => {
    await recordOrders(env, [
      order('a', 1, { status: 'cancelled', placedAt: 1_000 }),
      order('b', 1, { paymentStatus: 'refunded', email: null, placedAt: 2_000 }),
      order('c', 1, { fulfillmentStatus: 'fulfilled', skus: ['CAP'], placedAt: 3_000 }),
    ])
    expect(await listed({ status: 'cancelled' })).toEqual(['a/1'])
    expect(await listed({ paymentStatus: 'refunded' })).toEqual(['b/1'])
    expect(await listed({ fulfillmentStatus: 'fulfilled' })).toEqual(['c/1'])
    expect(await listed({ email: 'ada@example.com' })).toEqual(['c/1', 'a/1'])
    expect(await listed({ number: 'N-b' })).toEqual(['b/1'])
    expect(await listed({ since: 2_000 })).toEqual(['c/1', 'b/1'])
    expect(await listed({ sku: 'TEE', since: 2_000 })).toEqual(['b/1'])
    expect(await listed({ sku: 'TEE', status: 'placed', paymentStatus: 'paid' })).toEqual([])
  })

  test('pages without skipping or repeating an order when many were placed in one millisecond', async () => {
    const all = Array.from({ length: 23 }, (_, i) =>
      order(`o${String(i).padStart(2, '0')}`, 1, { placedAt: 1_000 + (i % 2) }),
    )
    await recordOrders(env, all)
    for (const filter of [{}, { sku: 'TEE' }, { status: 'placed' }]) {
      const seen: string[] = []
      let after: Parameters<typeof listOrders>[3] = null
      do {
        const page = await listOrders(env, store, filter, after, 5)
        seen.push(...page.orders.map(({ id }) => id))
        after = page.next
      } while (after)
      expect(seen).toHaveLength(23)
      expect(new Set(seen).size).toBe(23)
    }
  })

  test('shows a store nothing of another', async () => {
    await recordOrders(env, [order('a')])
    expect(await listed({}, `${store}-other`)).toEqual([])
    expect(await listed({ sku: 'TEE' }, `${store}-other`)).toEqual([])
  })

  test('takes more orders in one call than one statement may hold', async () => {
    const text = JSON.stringify({ id: 'x', version: 1, note: 'n'.repeat(60_000) })
    await recordOrders(
      env,
      Array.from({ length: 40 }, (_, i) => order(`big-${i}`, 1, { order: text })),
    )
    expect(await listed()).toHaveLength(40)
  })
})
