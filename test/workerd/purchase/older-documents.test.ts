import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
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
