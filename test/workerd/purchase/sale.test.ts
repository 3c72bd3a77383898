import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import type { StockPolicy } from '../../../schema/rpc/stock.ts'
import { factsOf, newSku, ok, promised, receive, Shopper, STORE, silenceQueue, stocked } from './shop.ts'

beforeEach(() => {
  silenceQueue()
  testClock.freeze(Date.UTC(2030, 0, 1))
})
afterEach(() => testClock.reset())

const HOUR = 3_600_000
const EUR = (amount: number) => ({ amount, currency: 'EUR' })

async function sellBetween(item: string, saleStartsAt: number | null, saleEndsAt: number | null) {
  const policy: StockPolicy = {
    safetyStock: 0,
    backorderLimit: 0,
    availableOn: null,
    lowStockThreshold: null,
    saleStartsAt,
    saleEndsAt,
  }
  ok(await stockOf(env, STORE, item).setPolicy({ store: STORE, policy, positions: [], lowStockThreshold: 2 }))
}

describe('an item that is not on sale', () => {
  test('is held for nobody, and the line is named with when the sale is', async () => {
    const [tee, cap] = [await stocked(5), await stocked(5)]
    await sellBetween(cap.sku, now() + HOUR, now() + 2 * HOUR)
    const shopper = new Shopper()
    const facts = {
      sku: cap.sku,
      saleStartsAt: '2030-01-01T01:00:00.000Z',
      saleEndsAt: '2030-01-01T02:00:00.000Z',
    }
    expect(
      await shopper.create([
        [tee, 2],
        [cap, 1],
      ]),
    ).toEqual({ ok: false, code: 'not_on_sale', facts })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
    ok(await shopper.create([[tee, 1]]))
    expect(await shopper.put(cap, 1)).toEqual({ ok: false, code: 'not_on_sale', facts })
    expect((await shopper.cart()).lines).toHaveLength(1)
    testClock.advance(HOUR)
    ok(await shopper.put(cap, 1))
    testClock.advance(HOUR)
    expect(await shopper.put(cap, 2)).toMatchObject({ code: 'not_on_sale' })
  })

  test('keeps a bundle that needs it from being sold, whatever else is short', async () => {
    const [cup, lid] = [newSku(), newSku()]
    await receive(lid, 1)
    await receive(cup, 1)
    await sellBetween(lid, null, now() - 1)
    const stock = [cup, lid].map((item) => ({ item, quantity: 1 }))
    const set = factsOf(newSku(), { stock })
    expect(await new Shopper().create([[set, 2]])).toMatchObject({
      code: 'not_on_sale',
      facts: { sku: set.sku, saleStartsAt: null, saleEndsAt: '2029-12-31T23:59:59.999Z' },
    })
    expect((await promised(cup)).reserved).toBe(0)
  })

  test('refuses the checkout of a cart that holds at checkout only, and charges nothing', async () => {
    const tee = await stocked(5)
    await sellBetween(tee.sku, null, now() + HOUR)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 1]], { hold: 'checkout' }))
    testClock.advance(HOUR)
    expect((await shopper.checkout()).answer).toMatchObject({
      kind: 'refused',
      refusal: { code: 'not_on_sale', facts: { sku: tee.sku, saleEndsAt: '2030-01-01T01:00:00.000Z' } },
    })
    expect((await shopper.cart()).status).toBe('open')
    expect(await shopper.rpc.pendingEffects()).toEqual([])
  })
})

describe('what was held while the sale was on', () => {
  test('is checked out after its end, and may be lowered', async () => {
    const tee = await stocked(5)
    await sellBetween(tee.sku, null, now() + 600_000)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 3]]))
    testClock.advance(600_000)
    ok(await shopper.put(tee, 2))
    expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 2 })
  })

  test('and ended is not held again after it', async () => {
    const tee = await stocked(5)
    await sellBetween(tee.sku, null, now() + 600_000)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 3]]))
    testClock.advance(901_000)
    expect(await shopper.put(tee, 3)).toMatchObject({ code: 'not_on_sale' })
    expect((await shopper.checkout()).answer).toMatchObject({ refusal: { code: 'not_on_sale' } })
  })

  test('and was lost before the order, after the end of the sale, gives the payment back', async () => {
    const [tee, cap] = [await stocked(5), await stocked(5)]
    await sellBetween(tee.sku, null, now() + HOUR)
    const shopper = new Shopper()
    ok(
      await shopper.create([
        [tee, 1],
        [cap, 1],
      ]),
    )
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    testClock.advance(HOUR)
    const { step, lease } = await shopper.run(attempt, 'undo')
    expect(step).toMatchObject({ do: 'undo', request: { amount: EUR(2000) } })
    expect(ok(await shopper.take(step, lease)).step).toMatchObject({
      answer: { refusal: { code: 'not_on_sale', facts: { sku: tee.sku } } },
    })
    for (const { sku } of [tee, cap]) expect(await promised(sku)).toEqual({ reserved: 0, allocated: 0 })
  })
})

describe('goods that are lost', () => {
  test('while the shopper pays: refused, the payment is given back and everything else too', async () => {
    const [tee, cap] = [await stocked(5), await stocked(2)]
    const shopper = new Shopper()
    ok(
      await shopper.create([
        [tee, 2],
        [cap, 2],
      ]),
    )
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    await receive(cap.sku, -1)
    testClock.advance(10_001)
    const { step, lease } = await shopper.run(attempt, 'undo')
    expect(step).toMatchObject({ do: 'undo', request: { providerReference: 'ref', amount: EUR(4000) } })
    expect(ok(await shopper.take(step, lease)).step).toMatchObject({
      do: 'finished',
      answer: {
        refusal: {
          code: 'insufficient_stock',
          facts: { lines: [{ sku: cap.sku, requested: 2, available: 1 }] },
        },
      },
    })
    for (const { sku } of [tee, cap]) expect(await promised(sku)).toEqual({ reserved: 0, allocated: 0 })
    expect(await shopper.events()).toEqual([])
    expect((await shopper.cart()).status).toBe('open')
    ok(await shopper.put(cap, 1))
    expect((await shopper.checkout()).answer).toMatchObject({ kind: 'placed' })
    expect(await promised(cap.sku)).toEqual({ reserved: 0, allocated: 1 })
  })

  test('before the shopper pays refuse the checkout before anything is charged', async () => {
    const tee = await stocked(2)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 2]]))
    await receive(tee.sku, -1)
    const { attempt } = ok(await shopper.begin())
    expect((await shopper.run(attempt, 'authorize')).step).toMatchObject({
      do: 'finished',
      answer: {
        refusal: {
          code: 'insufficient_stock',
          facts: { lines: [{ sku: tee.sku, requested: 2, available: 1 }] },
        },
      },
    })
  })

  test('and are found again before the order cost the shopper nothing', async () => {
    const tee = await stocked(2)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 2]]))
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    await receive(tee.sku, -1)
    await receive(tee.sku, 1)
    testClock.advance(10_001)
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
  })
})
