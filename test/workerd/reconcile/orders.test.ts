import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { testClock } from '../../../runtime/clock.ts'
import { orderId, parseCartId, parseOrderId } from '../../../schema/ids.ts'
import { LEASE_MS } from '../../../schema/rpc/purchase.ts'
import { advanceCheckout } from '../../../worker/checkout/advance-checkout.ts'
import { call, ROOT_KEY, staff, until } from '../../support/api.ts'
import { breakDatabase, breakStock } from '../../support/faults.ts'
import { readyCart, stocked } from '../../support/shop.ts'
import { beginAndDie, runAndDie } from '../checkout/dying-runner.ts'
import { audit, ledgerOf, phantom, placed, STORE, settled, toldByItem, toldDrifts } from './audited-shop.ts'

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 50)
  return () => {
    testClock.reset()
    vi.restoreAllMocks()
  }
})

const orders = (sql: string, ...values: unknown[]) =>
  env.ORDERS.prepare(sql)
    .bind(...values)
    .run()
const itemsOf = async (id: string) =>
  (await env.ORDERS.prepare('select item, quantity from order_items where order_id = ?').bind(id).all())
    .results

describe('an audit', () => {
  test('of an item whose orders agree with it finds nothing, and tells nothing', async () => {
    const order = await placed(sku, 2)
    await placed(sku, 3)
    const found = await settled(sku)
    expect(found).toMatchObject({
      item: sku,
      isSound: true,
      drifts: [],
      orders: { compared: 2, inFlight: 0, unchecked: 0 },
      record: { isBehind: false },
      nextCursor: null,
    })
    const { body: levels } = await staff('GET', `/v1/admin/stock/${sku}`)
    expect(found.sequence).toBe(levels.sequence)
    expect(await itemsOf(order.id)).toEqual([{ item: sku, quantity: 2 }])
    expect(await toldDrifts(sku)).toEqual([])
  })

  test('finds units that are allocated for no order, tells it once, and moves nothing', async () => {
    await placed(sku, 2)
    const ghost = await phantom(sku, 3)
    await settled(sku)
    const before = await ledgerOf(sku)
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const drift = { kind: 'allocation_without_order', orderId: ghost, found: 3, expected: 0 }
    for (let i = 0; i < 3; i++) expect((await settled(sku)).drifts).toEqual([drift])
    const [event, ...more] = await until(
      () => toldDrifts(sku),
      (events) => events.length > 0,
    )
    expect(more).toEqual([])
    expect(event.data).toMatchObject({ item: sku, drifts: [drift], levels: { item: sku, allocated: 5 } })
    expect(await ledgerOf(sku)).toEqual(before)
    const lines = error.mock.calls.map(([line]) => JSON.parse(String(line)))
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'stock drift', item: sku, allocationsWithoutOrder: 1 }),
    )
  })

  test('tells a drift again when it says something else, and when it comes back', async () => {
    const first = await phantom(sku, 3)
    await settled(sku)
    await until(
      () => toldDrifts(sku),
      (events) => events.length === 1,
    )
    await phantom(sku, 1)
    await settled(sku)
    const told = await until(
      () => toldDrifts(sku),
      (events) => events.length === 2,
    )
    expect(told[1].data.drifts).toHaveLength(2)
    const purchaseId = parseOrderId(first)!
    const gone = { store: STORE, purchaseId, orderId: first, commandId: 'x', quantity: 3 }
    expect(await stockOf(env, STORE, sku).deallocate(gone)).toMatchObject({ ok: true })
    expect((await settled(sku)).drifts).toHaveLength(1)
    const { isTold } = await stockOf(env, STORE, sku).reportDrift({
      scope: { after: '', upTo: null, unsure: [] },
      drifts: [{ kind: 'allocation_without_order', orderId: first, found: 3, expected: 0 }],
    })
    expect(isTold).toBe(true)
  })

  test('finds an order whose units were given back behind its back', async () => {
    const { id } = await placed(sku, 2)
    await settled(sku)
    const given = { store: STORE, purchaseId: parseOrderId(id)!, orderId: id, commandId: 'x', quantity: 2 }
    expect(await stockOf(env, STORE, sku).deallocate(given)).toMatchObject({ ok: true })
    expect(await settled(sku)).toMatchObject({
      isSound: false,
      drifts: [{ kind: 'order_without_allocation', orderId: id, found: 0, expected: 2 }],
    })
    expect(await itemsOf(id)).toEqual([{ item: sku, quantity: 2 }])
  })

  test('follows an order through its cancellation', async () => {
    const { id } = await placed(sku, 2)
    await settled(sku)
    await staff('POST', `/v1/admin/orders/${id}/cancellation`)
    const found = await until(
      () => audit(sku),
      ({ body }) => body.orders.compared === 0,
    )
    expect(found.body).toMatchObject({ isSound: true, drifts: [] })
    expect(await itemsOf(id)).toEqual([])
  })

  test('excepts a checkout that is just allocating, and an order that is giving back', async () => {
    const { body: cart } = await readyCart([{ sku, quantity: 4 }])
    const { purchaseId } = parseCartId(cart.id)!
    const attempt = (await beginAndDie(cart.id))!
    await runAndDie(cart.id, attempt, 'place')
    const command = { store: STORE, purchaseId, orderId: orderId(purchaseId), quantity: 4 }
    expect(await stockOf(env, STORE, sku).allocate(command)).toMatchObject({ ok: true })
    const busy = await audit(sku)
    expect(busy.body).toMatchObject({ isSound: true, drifts: [], orders: { compared: 1, inFlight: 1 } })
    testClock.advance(LEASE_MS + 1)
    await advanceCheckout(env, STORE, purchaseId, attempt)
    expect(await settled(sku)).toMatchObject({ isSound: true, orders: { compared: 1 } })

    const mend = breakStock([sku], 'deallocate', 'before')
    await staff('POST', `/v1/admin/orders/${orderId(purchaseId)}/cancellation`)
    // Once the record knows that the order has nothing any more, the item says something else.
    const giving = await until(
      () => audit(sku),
      ({ body }) => body.orders.inFlight === 1,
    )
    expect(giving.body.drifts).toEqual([])
    mend()
  })

  test('finds nothing in the midst of trading', async () => {
    let isTrading = true
    const seen: object[] = []
    const auditor = async () => {
      while (isTrading) {
        const { body } = await audit(sku)
        seen.push({
          drifts: body.drifts,
          repaired: body.orders.repaired,
          isRepaired: body.record?.isRepaired,
        })
      }
    }
    const buyer = async (_: unknown, i: number) => {
      const { id } = await placed(sku, 1 + (i % 3))
      if (i % 2 === 0) await staff('POST', `/v1/admin/orders/${id}/cancellation`)
    }
    const auditors = Promise.all([auditor(), auditor()])
    for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 8 }, buyer))
    isTrading = false
    await auditors
    expect(seen.length).toBeGreaterThan(5)
    for (const found of seen) expect(found).toEqual({ drifts: [], repaired: 0, isRepaired: false })
    expect(await settled(sku)).toMatchObject({ isSound: true, orders: { compared: 8 } })
    expect(await toldDrifts(sku)).toEqual([])
  })

  test('asks the purchase again and again only for what differs, and says what it could not ask', async () => {
    await phantom(sku, 1)
    await settled(sku)
    const mend = breakPurchases()
    const unsure = await audit(sku)
    mend()
    expect(unsure.body).toMatchObject({ isSound: false, drifts: [], orders: { compared: 1, unchecked: 1 } })
    expect((await settled(sku)).drifts).toHaveLength(1)
    // What nothing could be said about was not forgotten, and is not told anew.
    expect(await toldByItem(sku)).toBe(1)
  })

  test('goes through many orders page by page and sees each once', async () => {
    const some = Array.from({ length: 120 }, (_, i) => `ord_${String(i).padStart(26, '0')}00`)
    await env.ORDERS.prepare(
      `insert into order_items (store, item, order_id, quantity) select 'default', ?1, value, 1 from json_each(?2)`,
    )
      .bind(sku, JSON.stringify(some))
      .run()
    await placed(sku, 1)
    let [compared, repaired, pages] = [0, 0, 0]
    let cursor: string | null = null
    do {
      const { body }: Awaited<ReturnType<typeof audit>> = await audit(sku, cursor)
      expect(body.record === null).toBe(cursor !== null)
      compared += body.orders.compared
      repaired += body.orders.repaired
      pages += 1
      cursor = body.nextCursor
    } while (cursor !== null)
    expect([compared, repaired, pages]).toEqual([121, 120, 2])
    expect((await settled(sku)).orders).toMatchObject({ compared: 1, repaired: 0 })
  })

  test('writes the items of an order again when their rows are gone, or wrong', async () => {
    const { id } = await placed(sku, 2)
    await settled(sku)
    for (const wrong of [
      'delete from order_items where order_id = ?',
      'update order_items set quantity = 7 where order_id = ?',
      'update orders set version = 99 where order_id = ?',
    ]) {
      await orders(wrong, id)
      if (wrong.includes('99')) await orders('delete from order_items where order_id = ?', id)
      const found = await audit(sku)
      expect(found.body, wrong).toMatchObject({ isSound: true, drifts: [], orders: { repaired: 1 } })
      expect(await itemsOf(id), wrong).toEqual([{ item: sku, quantity: 2 }])
      expect((await audit(sku)).body.orders).toMatchObject({ compared: 1, repaired: 0 })
    }
    const { body } = await staff('GET', `/v1/admin/orders?sku=${sku}`)
    expect(body.items).toMatchObject([{ id }])
    const row = await env.ORDERS.prepare('select version from orders where order_id = ?')
      .bind(id)
      .first('version')
    expect(row).toBe(body.items[0].version)
  })

  test('is 503 while the record of orders is away, and loses nothing by it', async () => {
    await phantom(sku, 1)
    const mend = breakDatabase('ORDERS')
    const away = await audit(sku)
    mend()
    expect([away.status, away.body]).toEqual([503, expect.objectContaining({ code: 'unavailable' })])
    expect((await settled(sku)).drifts).toHaveLength(1)
  })

  test('of an item that nobody ever moved is 404, and so is that of another store', async () => {
    await phantom(sku, 1)
    expect((await audit('NOBODY')).body).toMatchObject({ code: 'item_not_found' })
    await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
    const other = await staff('GET', `/v1/admin/stock/${sku}/audit`, undefined, { store: 'other' })
    expect([other.status, other.body.code]).toEqual([404, 'item_not_found'])
    expect((await call('GET', `/v1/admin/stock/${sku}/audit`)).status).toBe(401)
    const bad = await call('GET', `/v1/admin/stock/${sku}/audit?cursor=zzz`, { key: ROOT_KEY })
    expect([bad.status, bad.body.code]).toEqual([400, 'cursor_invalid'])
  })
})

function breakPurchases(): () => void {
  const get = () => {
    throw new Error('Network connection lost: injected')
  }
  Object.assign(env.PURCHASE, { get })
  return () => {
    delete (env.PURCHASE as unknown as Record<string, unknown>).get
  }
}
