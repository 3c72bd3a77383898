import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import type { OrderAction } from '../../../schema/rpc/purchase.ts'
import { ok, promised, SETTINGS, Shopper, silenceQueue, stamp, stocked, usedBy } from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => testClock.reset())

/** Rewrites the document as the version before quotas wrote it, and starts the object anew on it. */
async function makeOld(shopper: Shopper): Promise<void> {
  await runInDurableObject(shopper.stub, (_, state) => {
    const { sql } = state.storage
    const { json } = sql.exec<{ json: string }>(`select json from document where part = 'cart'`).one()
    const { customer: _customer, discounts: _discounts, ...cart } = JSON.parse(json)
    const withoutKind = ({ kind: _kind, ...kept }: { kind?: string }) => kept
    const old = {
      ...cart,
      holds: cart.holds.map(withoutKind),
      allocations: cart.allocations.map(withoutKind),
      deallocations: cart.deallocations.map(withoutKind),
      lines: cart.lines.map(({ facts, ...line }: { facts: object }) => ({
        ...line,
        facts: { ...facts, categories: undefined, maxPerCustomer: undefined },
      })),
      terms: {
        ...cart.terms,
        discounts: undefined,
        taxRates: cart.terms.taxRates.map((rate: object) => ({ ...rate, isReverseCharge: undefined })),
      },
    }
    sql.exec(`update document set json = ? where part = 'cart'`, JSON.stringify(old))
  })
  await evictDurableObject(shopper.stub)
}

test('a cart from before quotas shows its holds, changes them and is checked out under the limits of today', async () => {
  const shopper = new Shopper()
  const [tee, cap] = [await stocked(5), await stocked(5)]
  const { cart } = ok(
    await shopper.create([
      [tee, 2],
      [cap, 1],
    ]),
  )
  await makeOld(shopper)
  expect(await shopper.cart()).toEqual(cart)
  ok(await shopper.put(tee, 3))
  expect((await promised(tee.sku)).reserved).toBe(3)
  ok(await shopper.rpc.removeLine({ ...shopper.access, sku: cap.sku }))
  expect((await promised(cap.sku)).reserved).toBe(0)
  await makeOld(shopper)
  // The catalogue limits it now, and the worker says who the contact is.
  shopper.customer = crypto.randomUUID()
  shopper.facts = [{ ...tee, maxPerCustomer: 3 }]
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  expect(await usedBy(shopper.customer, tee.sku)).toEqual({ reserved: 0, allocated: 3 })
})

test('an order from before quotas gives everything back when it is cancelled', async () => {
  const shopper = new Shopper()
  const tee = await stocked(5)
  ok(await shopper.create([[tee, 2]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  await makeOld(shopper)
  expect(await shopper.rpc.allocations()).toMatchObject({ allocations: [{ item: tee.sku, quantity: 2 }] })
  const command = { settings: SETTINGS, reason: null, actor: 'root', expectedVersion: null }
  ok(await shopper.rpc.cancel({ ...command, idempotency: stamp() }))
  expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
})

test('an audit and the record hear of goods only, never of quotas', async () => {
  const shopper = new Shopper()
  const tee = await stocked(5, { maxPerCustomer: 2 })
  shopper.customer = crypto.randomUUID()
  ok(await shopper.create([[tee, 2]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  const goods = [{ item: tee.sku, quantity: 2 }]
  expect((await shopper.rpc.allocations()).allocations).toEqual(goods)
  expect((await shopper.rpc.document())?.document.items).toEqual(goods)
  expect(JSON.stringify(await shopper.rpc.pull(10))).not.toContain(shopper.customer)
})

test('an order from before goods were shipped through it is shipped, refunded and returned like any other', async () => {
  const shopper = new Shopper()
  const tee = await stocked(5)
  ok(await shopper.create([[tee, 3]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  await runInDurableObject(shopper.stub, (_, state) => {
    const { sql } = state.storage
    const read = (part: string) =>
      JSON.parse(sql.exec<{ json: string }>('select json from document where part = ?', part).one().json)
    const write = (part: string, document: object) =>
      sql.exec('update document set json = ? where part = ?', JSON.stringify(document), part)
    const { stockEffects: _stockEffects, timeline: _timeline, ...cart } = read('cart')
    const { lines, ...order } = read('order')
    write('cart', cart)
    const old = lines.map(({ credited: _credited, ...line }: Record<string, unknown>) => line)
    write('order', { ...order, lines: old })
  })
  await evictDurableObject(shopper.stub)
  const act = (action: OrderAction) =>
    shopper.rpc.commandOrder({
      ...action,
      settings: SETTINGS,
      actor: 'root',
      expectedVersion: null,
      idempotency: stamp(),
    })
  const lines = [{ lineId: 'line_1', quantity: 1 }]
  ok(await act({ do: 'cancel', lines, reason: null }))
  ok(await act({ do: 'fulfill', lines: null, location: null, tracking: null }))
  const { order } = ok(await act({ do: 'refund', amount: null, lines, reason: null }))
  expect(order).toMatchObject({
    status: 'completed',
    lines: [{ cancelled: 1, fulfilled: 2, credited: 2 }],
    refunds: [{ amount: { amount: 1000 } }, { amount: { amount: 1000 } }],
  })
  expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
})

test('an order that was cancelled before refunds were written down is not refunded twice', async () => {
  const shopper = new Shopper()
  const tee = await stocked(5)
  ok(await shopper.create([[tee, 1]]))
  expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
  const command = { settings: SETTINGS, reason: null, actor: 'root', expectedVersion: null }
  ok(await shopper.rpc.cancel({ ...command, idempotency: stamp() }))
  // The provider of these tests is not offered: once the effect was tried it rests.
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.stored()).toMatch(/tries\W+1\b/)
  })
  // As that version left it: the whole payment is undone, and nothing else says so.
  await runInDurableObject(shopper.stub, (_, state) => {
    const { sql } = state.storage
    const { json } = sql.exec<{ json: string }>(`select json from document where part = 'cart'`).one()
    const cart = JSON.parse(json)
    const [{ request, ...effect }] = cart.effects
    const id = `${request.paymentId}.undo`
    const effects = [{ ...effect, id, do: 'undo', request: { ...request, idempotencyKey: id } }]
    sql.exec(`update document set json = ? where part = 'cart'`, JSON.stringify({ ...cart, effects }))
    const order = JSON.parse(
      sql.exec<{ json: string }>(`select json from document where part = 'order'`).one().json,
    )
    sql.exec(`update document set json = ? where part = 'order'`, JSON.stringify({ ...order, refunds: [] }))
  })
  await evictDurableObject(shopper.stub)
  const refund = { do: 'refund', amount: null, lines: null, reason: null } as const
  expect(await shopper.rpc.commandOrder({ ...command, ...refund, idempotency: stamp() })).toMatchObject({
    code: 'order_state_conflict',
  })
  const [undo] = await shopper.rpc.pendingEffects()
  await shopper.rpc.settleEffect({ id: undo!.id, isDone: true })
  expect(ok(await shopper.rpc.order({ token: null })).order).toMatchObject({
    paymentStatus: 'refunded',
    refunds: [{ amount: { amount: 1000 }, status: 'succeeded' }],
  })
})
