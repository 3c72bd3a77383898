import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now, testClock, toIso } from '../../../runtime/clock.ts'
import type { VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
import { LEASE_MS, PAYMENT_WINDOW_MS } from '../../../schema/rpc/purchase.ts'
import { aroundStock, breakStock } from '../../support/faults.ts'
import {
  factsOf,
  holdAs,
  movementsOf,
  newSku,
  ok,
  promised,
  receive,
  SETTINGS,
  Shopper,
  STORE,
  silenceQueue,
  stocked,
  usedBy,
} from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

type Method = 'reserve' | 'release'

/** Stock grants it, and the purchase dies before it hears so. */
async function cut(shopper: Shopper, item: string, method: Method, command: () => Promise<unknown>) {
  let isAnswered = false
  const mend = aroundStock([item], method, async (call) => {
    await call()
    isAnswered = true
    return new Promise(() => {})
  })
  const answer = command().catch(() => 'cut')
  await vi.waitFor(() => expect(isAnswered).toBe(true))
  await runInDurableObject(shopper.stub, (_, state) => state.abort('crash')).catch(() => undefined)
  expect(await answer).toBe('cut')
  mend()
}

const cutPut = (shopper: Shopper, facts: VariantFacts, quantity: number) =>
  cut(shopper, facts.stock[0]!.item, quantity > 0 ? 'reserve' : 'release', () => shopper.put(facts, quantity))

async function withCart(units: number, quantity: number) {
  const tee = await stocked(units)
  const shopper = new Shopper()
  ok(await shopper.create(quantity > 0 ? [[tee, quantity]] : []))
  return { shopper, tee }
}

const reserved = async ({ sku }: VariantFacts) => (await promised(sku)).reserved
const holdOf = async (shopper: Shopper) => (await shopper.cart()).lines[0]!.hold

/** How often each of these is called, and with what, until the test is over. */
function callsTo(item: string, methods: readonly string[]): () => string[] {
  const calls: string[] = []
  for (const method of methods) {
    aroundStock([item], method, (call) => {
      calls.push(method)
      return call()
    })
  }
  return () => calls.splice(0)
}

describe('a change that was cut between the answer of stock and its own commit', () => {
  test('and had added a line: a PUT of 0 gives the units back', async () => {
    const { shopper, tee } = await withCart(5, 0)
    await cutPut(shopper, tee, 2)
    expect(await reserved(tee)).toBe(2)
    ok(await shopper.put(tee, 0))
    expect(await reserved(tee)).toBe(0)
  })

  test('and had added a line: a DELETE asks for the facts of what the purchase does not have, and gives back with them', async () => {
    const { shopper, tee } = await withCart(5, 0)
    await cutPut(shopper, tee, 2)
    const remove = (facts?: VariantFacts) =>
      shopper.rpc.removeLine({ ...shopper.access, sku: tee.sku, ...(facts && { facts }) })
    expect(ok(await remove()).needsFacts).toBe(true)
    expect(ok(await remove(tee)).needsFacts).toBe(false)
    expect(await reserved(tee)).toBe(0)
  })

  test('and had raised a line: a PUT of what it was lowers it again', async () => {
    const { shopper, tee } = await withCart(5, 1)
    await cutPut(shopper, tee, 4)
    ok(await shopper.put(tee, 1))
    expect(await reserved(tee)).toBe(1)
  })

  test('and had lowered a line: a PUT of what it was holds it again', async () => {
    const { shopper, tee } = await withCart(5, 3)
    await cutPut(shopper, tee, 1)
    const { cart } = ok(await shopper.put(tee, 3))
    expect(cart.lines[0]!.hold.state).toBe('held')
    expect(await reserved(tee)).toBe(3)
  })

  test('and had taken a line away: a PUT of what it was holds it again', async () => {
    const { shopper, tee } = await withCart(5, 3)
    await cutPut(shopper, tee, 0)
    expect(await reserved(tee)).toBe(0)
    ok(await shopper.put(tee, 3))
    expect(await reserved(tee)).toBe(3)
  })

  test.each([2, 3, 4])(
    'and had lowered a line from 3 to 1: a PUT of %j is refused when the rest was sold, and the cart shows it',
    async (quantity) => {
      const { shopper, tee } = await withCart(3, 3)
      await cutPut(shopper, tee, 1)
      await holdAs('another', tee.sku, 2)
      const refused = await shopper.put(tee, quantity)
      expect(refused).toMatchObject({
        code: 'insufficient_stock',
        facts: { lines: [{ sku: tee.sku, requested: quantity, available: 1 }] },
      })
      const cart = await shopper.cart()
      expect(cart.lines).toMatchObject([{ quantity: 3, hold: { state: 'expired' } }])
      expect(cart.notices).toMatchObject([{ code: 'hold_expired', path: '/lines/0' }])
      expect(await reserved(tee)).toBe(3)
      expect(ok(await shopper.put(tee, 1)).cart.lines[0]!.hold.state).toBe('held')
      expect(await reserved(tee)).toBe(3)
    },
  )

  test('of a bundle, followed by a refusal: what was there is held again as far as it is still there, and shown so', async () => {
    const shopper = new Shopper()
    const [cup, lid] = [newSku(), newSku()]
    await receive(cup, 5)
    await receive(lid, 5)
    const pair = factsOf(newSku(), { stock: [cup, lid].map((item) => ({ item, quantity: 1 })) })
    ok(await shopper.create([[pair, 3]]))
    const { purchaseId } = shopper
    const lowered = {
      store: STORE,
      purchaseId,
      quantity: 2,
      expiresAt: now() + 900_000,
      lowStockThreshold: 2,
    }
    for (const item of [cup, lid])
      ok(await stockOf(env, STORE, item).reserve({ ...lowered, version: now() + 1 }))
    await evictDurableObject(shopper.stub)
    await holdAs('another', lid, 3)
    expect(await shopper.put(pair, 4)).toMatchObject({ code: 'insufficient_stock' })
    expect((await promised(cup)).reserved).toBe(3)
    expect((await promised(lid)).reserved).toBe(5)
    expect((await holdOf(shopper)).state).toBe('expired')
    ok(await shopper.put(pair, 2))
    expect((await promised(cup)).reserved).toBe(2)
    expect((await holdOf(shopper)).state).toBe('held')
  })

  test('gives back all that it may have taken when the cart is abandoned, also the second time', async () => {
    const { shopper, tee } = await withCart(5, 1)
    await cutPut(shopper, tee, 4)
    testClock.advance(300_000)
    await cut(shopper, tee.sku, 'release', () => shopper.rpc.abandon(shopper.access))
    expect(await reserved(tee)).toBe(0)
    const other = await withCart(5, 2)
    const mend = breakStock([other.tee.sku], 'release', 'before')
    ok(await other.shopper.rpc.abandon(other.shopper.access))
    mend()
    expect(await reserved(other.tee)).toBe(2)
    ok(await other.shopper.rpc.abandon(other.shopper.access))
    expect(await reserved(other.tee)).toBe(0)
  })

  test('does not outlive a line that is taken from a cart that expired meanwhile', async () => {
    const { shopper, tee } = await withCart(5, 1)
    testClock.advance(800_000)
    await cutPut(shopper, tee, 2)
    testClock.advance(200_000)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.cart()).status).toBe('expired')
    expect(await reserved(tee)).toBe(2)
    ok(await shopper.rpc.removeLine({ ...shopper.access, sku: tee.sku }))
    expect(await reserved(tee)).toBe(0)
  })

  test('leaves what another line has of the same item', async () => {
    const shopper = new Shopper()
    const one = await stocked(6)
    const box = factsOf(newSku(), { stock: [{ item: one.sku, quantity: 3 }] })
    ok(
      await shopper.create([
        [one, 1],
        [box, 1],
      ]),
    )
    await cut(shopper, one.sku, 'reserve', () => shopper.put(one, 3))
    expect(await reserved(one)).toBe(6)
    const { cart } = ok(await shopper.put(one, 0))
    expect(await reserved(one)).toBe(3)
    expect(cart.lines).toMatchObject([{ sku: box.sku, hold: { state: 'held' } }])
  })

  test('does not show as held what the rest of the cart has not, after a line was taken away', async () => {
    const shopper = new Shopper()
    const one = await stocked(5)
    const box = factsOf(newSku(), { stock: [{ item: one.sku, quantity: 3 }] })
    ok(
      await shopper.create([
        [one, 2],
        [box, 1],
      ]),
    )
    await cut(shopper, one.sku, 'reserve', () => shopper.put(box, 0))
    await holdAs('another', one.sku, 3)
    const { cart } = ok(await shopper.put(one, 0))
    expect(cart.lines).toMatchObject([{ sku: box.sku, hold: { state: 'expired' } }])
  })

  test('gives the quota of a new contact back when the contact stays the old one', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5, { maxPerCustomer: 3 })
    const [ada, bob] = [crypto.randomUUID(), crypto.randomUUID()]
    shopper.customer = ada
    ok(await shopper.create([[tee, 2]]))
    const quota = env.QUOTA.get(env.QUOTA.idFromName(`${STORE.slug}/customer/${bob}/${tee.sku}`))
    const command = {
      store: STORE,
      purchaseId: shopper.purchaseId,
      version: now() + 1,
      quantity: 2,
      limit: 3,
    }
    ok(await quota.reserve({ ...command, expiresAt: now() + 900_000, lowStockThreshold: 2 }))
    await evictDurableObject(shopper.stub)
    ok(await shopper.become(bob))
    ok(await shopper.become(ada))
    expect((await usedBy(bob, tee.sku)).reserved).toBe(0)
    expect((await usedBy(ada, tee.sku)).reserved).toBe(2)
  })
})

describe('a purchase that woke', () => {
  test('asks stock once about an unchanged line: nothing is prolonged, nothing is told, and the next time costs no call', async () => {
    testClock.freeze(Date.UTC(2030, 0, 1))
    const { shopper, tee } = await withCart(5, 2)
    const before = await holdOf(shopper)
    const calls = callsTo(tee.sku, ['reserve', 'release', 'look'])
    ok(await shopper.put(tee, 2))
    expect(calls()).toEqual([])
    await evictDurableObject(shopper.stub)
    testClock.advance(60_000)
    ok(await shopper.put(tee, 2))
    expect(calls()).toEqual(['reserve'])
    ok(await shopper.put(tee, 2))
    expect(calls()).toEqual([])
    expect(await holdOf(shopper)).toEqual(before)
    expect(before.expiresAt).toBe(toIso(Date.UTC(2030, 0, 1) + SETTINGS.holdTtlSeconds * 1000))
    expect((await movementsOf(tee.sku)).map(({ type }) => type)).toEqual(['reserve', 'receive'])
    testClock.advance(SETTINGS.holdTtlSeconds * 1000 - 60_000)
    expect(await reserved(tee)).toBe(0)
  })

  test('and cannot reach stock does not say that an unchanged line is held', async () => {
    const { shopper, tee } = await withCart(5, 2)
    await evictDurableObject(shopper.stub)
    const mend = breakStock([tee.sku], 'reserve', 'before')
    expect(await shopper.put(tee, 2)).toMatchObject({ code: 'unavailable' })
    mend()
    expect(ok(await shopper.put(tee, 2)).cart.lines[0]!.hold.state).toBe('held')
  })

  test('asks nothing for a cart that holds at checkout only', async () => {
    const tee = await stocked(5)
    const shopper = new Shopper()
    ok(await shopper.create([[tee, 2]], { hold: 'checkout' }))
    await evictDurableObject(shopper.stub)
    const calls = callsTo(tee.sku, ['reserve', 'release', 'look'])
    ok(await shopper.put(tee, 2))
    expect(ok(await shopper.rpc.removeLine({ ...shopper.access, sku: tee.sku })).needsFacts).toBe(false)
    expect(ok(await shopper.rpc.removeLine({ ...shopper.access, sku: tee.sku })).needsFacts).toBe(false)
    ok(await shopper.rpc.abandon(shopper.access))
    expect(calls()).toEqual([])
  })
})

describe('an answer of stock that is lost', () => {
  test('to a release that never came: the next one is sent', async () => {
    const { shopper, tee } = await withCart(5, 2)
    const mend = breakStock([tee.sku], 'release', 'before')
    ok(await shopper.put(tee, 0))
    mend()
    expect(await reserved(tee)).toBe(2)
    ok(await shopper.put(tee, 0))
    expect(await reserved(tee)).toBe(0)
  })

  test('to a lowering: the same PUT again is sent again', async () => {
    const { shopper, tee } = await withCart(5, 3)
    const mend = breakStock([tee.sku], 'reserve', 'before')
    ok(await shopper.put(tee, 1))
    mend()
    expect(await reserved(tee)).toBe(3)
    ok(await shopper.put(tee, 1))
    expect(await reserved(tee)).toBe(1)
  })

  test('to a hold that could not be taken back: a PUT of 0 gives it back', async () => {
    const { shopper, tee } = await withCart(5, 0)
    const mends = [breakStock([tee.sku], 'reserve', 'after'), breakStock([tee.sku], 'release', 'before')]
    expect(await shopper.put(tee, 2)).toMatchObject({ code: 'unavailable' })
    for (const mend of mends.reverse()) mend()
    expect(await reserved(tee)).toBe(2)
    ok(await shopper.put(tee, 0))
    expect(await reserved(tee)).toBe(0)
  })
})

describe('a checkout that was cut while it held its units', () => {
  /** Two items, of which the second is gone when the next runner comes. */
  async function cutCheckout(hold: 'line' | 'checkout') {
    const [tee, cap] = [await stocked(5), await stocked(2)]
    const shopper = new Shopper()
    const lines: [VariantFacts, number][] = [
      [tee, 2],
      [cap, 1],
    ]
    ok(await shopper.create(lines, { hold }))
    const { attempt } = ok(await shopper.begin())
    const { lease } = await shopper.run(attempt, 'hold')
    await cut(shopper, tee.sku, 'reserve', () => shopper.rpc.hold({ lease }))
    expect(await reserved(tee)).toBe(2)
    return { shopper, tee, cap, attempt }
  }

  test('and then refused keeps no unit where the cart holds at checkout only', async () => {
    const { shopper, tee, cap, attempt } = await cutCheckout('checkout')
    ok(
      await stockOf(env, STORE, cap.sku).release({
        store: STORE,
        purchaseId: shopper.purchaseId,
        version: now() + 1,
      }),
    )
    await holdAs('another', cap.sku, 2)
    testClock.advance(LEASE_MS + 1)
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'refused' } })
    expect(await reserved(tee)).toBe(0)
  })

  test('and then refused keeps its units no longer than a cart may', async () => {
    const { shopper, tee, cap, attempt } = await cutCheckout('line')
    const held = Date.parse((await holdOf(shopper)).expiresAt!)
    ok(
      await stockOf(env, STORE, cap.sku).release({
        store: STORE,
        purchaseId: shopper.purchaseId,
        version: now() + 1,
      }),
    )
    await holdAs('another', cap.sku, 2)
    testClock.advance(LEASE_MS + 1)
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'refused' } })
    expect(await reserved(tee)).toBe(2)
    testClock.advance(held - now())
    expect(await reserved(tee)).toBe(0)
  })

  test('and was given up gives its units back', async () => {
    const { shopper, tee } = await cutCheckout('checkout')
    const mend = breakStock([tee.sku], 'reserve', 'before')
    testClock.advance(PAYMENT_WINDOW_MS + 1)
    ok(await shopper.rpc.takeCheckout({ attempt: null }))
    mend()
    expect((await shopper.cart()).status).toBe('open')
    testClock.advance(LEASE_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(await reserved(tee)).toBe(0)
  })
})
