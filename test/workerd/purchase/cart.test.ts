import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import type { CartPatch } from '../../../schema/http/cart.ts'
import { cartId } from '../../../schema/ids.ts'
import { CART_LINES_MAX } from '../../../schema/quantity.ts'
import type { VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
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
  silenceQueue,
  stamp,
  stocked,
  TERMS,
} from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => testClock.reset())

describe('an unknown cart', () => {
  test('is not there for any command, and asking writes nothing', async () => {
    const shopper = new Shopper()
    const facts = factsOf(newSku())
    const answers = await Promise.all([
      shopper.rpc.cart({ secret: shopper.secret }),
      shopper.rpc.context({ secret: shopper.secret }),
      shopper.put(facts, 1),
      shopper.rpc.removeLine({ ...shopper.access, sku: facts.sku }),
      shopper.update({}),
      shopper.rpc.abandon(shopper.access),
      shopper.begin(),
    ])
    expect(answers.map((answer) => !answer.ok && answer.code)).toEqual(Array(7).fill('cart_not_found'))
    expect(await shopper.rpc.order({ token: null })).toMatchObject({ code: 'order_not_found' })
    expect(await shopper.rpc.takeCheckout({ attempt: null })).toMatchObject({ ok: false })
    expect(await shopper.rpc.checkoutAnswer({ attempt: 1 })).toBeNull()
    expect(await shopper.rpc.pull(10)).toEqual({ events: [], document: null, hasMore: false })
    await shopper.rpc.confirm(3, 1)
    expect(await shopper.tables()).toEqual([])
  })

  test('is what a wrong secret finds', async () => {
    const shopper = new Shopper()
    ok(await shopper.create([]))
    const wrong = { secret: 'x'.repeat(26), settings: SETTINGS }
    expect(await shopper.rpc.cart(wrong)).toMatchObject({ code: 'cart_not_found' })
    expect(await shopper.rpc.abandon(wrong)).toMatchObject({ code: 'cart_not_found' })
    expect((await shopper.cart()).status).toBe('open')
  })
})

describe('a new cart', () => {
  test('holds all its lines and shows until when', async () => {
    testClock.freeze(Date.UTC(2030, 0, 1))
    const shopper = new Shopper()
    const tee = await stocked(5)
    const { cart } = ok(await shopper.create([[tee, 2]]))
    expect(cart.id).toBe(cartId(shopper))
    expect(cart.lines).toMatchObject([
      { sku: tee.sku, quantity: 2, hold: { state: 'held', expiresAt: '2030-01-01T00:15:00.000Z' } },
    ])
    expect(cart.totals.total).toEqual({ amount: 2000, currency: 'EUR' })
    expect(await promised(tee.sku)).toEqual({ reserved: 2, allocated: 0 })
  })

  test('is refused whole when one line is short, and holds nothing', async () => {
    const shopper = new Shopper()
    const [tee, cap] = [await stocked(5), await stocked(1)]
    const refused = await shopper.create([
      [tee, 2],
      [cap, 3],
    ])
    expect(refused).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: cap.sku, requested: 3, available: 1 }] },
    })
    expect(await promised(tee.sku)).toEqual({ reserved: 0, allocated: 0 })
    expect(await shopper.tables()).toEqual([])
  })

  test('under a known key is answered as the first time, whatever became of it; another body is refused', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    const idempotency = stamp()
    const first = ok(await shopper.create([[tee, 2]], { idempotency }))
    ok(await shopper.put(tee, 1))
    await evictDurableObject(shopper.stub)
    const again = ok(await shopper.create([[tee, 2]], { idempotency }))
    expect([first.isReplay, again.isReplay]).toEqual([false, true])
    expect(JSON.stringify(again.cart)).toBe(JSON.stringify(first.cart))
    const other = { ...idempotency, fingerprint: 'other' }
    expect(await shopper.create([[tee, 2]], { idempotency: other })).toMatchObject({
      code: 'idempotency_key_reused',
    })
  })

  test('answers its key as long as it lives, since no other cart can have its id', async () => {
    const shopper = new Shopper()
    const idempotency = stamp()
    const first = ok(await shopper.create([], { idempotency }))
    testClock.advance(8 * 24 * 3_600_000)
    expect(ok(await shopper.create([], { idempotency })).cart).toEqual(first.cart)
  })

  test('that was refused under a key is refused again, even when stock has come', async () => {
    const shopper = new Shopper()
    const tee = await stocked(1)
    const idempotency = stamp()
    const first = await shopper.create([[tee, 2]], { idempotency })
    await receive(tee.sku, 5)
    const again = await shopper.create([[tee, 2]], { idempotency })
    expect(again).toEqual({ ...first, isReplay: true })
    expect(await shopper.rpc.cart(shopper.access)).toMatchObject({ code: 'cart_not_found' })
  })
})

describe('a line', () => {
  test('sets its hold, up and down and away', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([]))
    for (const quantity of [2, 5, 1, 0]) {
      const { cart } = ok(await shopper.put(tee, quantity))
      expect(cart.lines.map((line) => line.quantity)).toEqual(quantity ? [quantity] : [])
      expect((await promised(tee.sku)).reserved).toBe(quantity)
    }
  })

  test('keeps its properties unless new ones come', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([[tee, 1]]))
    expect(ok(await shopper.put(tee, 2)).cart.lines[0]!.properties).toEqual({ engraving: 'secret words' })
    const line = { facts: tee, quantity: 2, properties: { colour: 'blue' } }
    expect(ok(await shopper.rpc.putLine({ ...shopper.access, line })).cart.lines[0]!.properties).toEqual({
      colour: 'blue',
    })
  })

  test('beyond the stock is refused with the most it could be set to, and changes nothing', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    const before = ok(await shopper.create([[tee, 3]])).cart
    expect(await shopper.put(tee, 6)).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: tee.sku, requested: 6, available: 5 }] },
    })
    expect(await shopper.cart()).toEqual(before)
    expect((await promised(tee.sku)).reserved).toBe(3)
  })

  test('of many items that cannot all be held costs the others not one movement', async () => {
    const enough = await Promise.all(Array.from({ length: 9 }, () => stocked(5)))
    const short = await stocked(1)
    const lines = [...enough, short].map((facts): [typeof facts, number] => [facts, 2])
    expect(await new Shopper().create(lines)).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: short.sku, requested: 2, available: 1 }] },
    })
    for (const { sku } of enough)
      expect((await movementsOf(sku)).map(({ type }) => type)).toEqual(['receive'])
  })

  test('of many items, repeated after its first answer was lost, is not refused for what it holds itself', async () => {
    const shopper = new Shopper()
    const lines = await Promise.all(
      Array.from({ length: 5 }, async (): Promise<[VariantFacts, number]> => [await stocked(2), 2]),
    )
    // What a crash between hold and record leaves: Stock has the holds, the purchase does not know.
    for (const [{ sku }] of lines) await holdAs(shopper.purchaseId, sku, 2)
    const { cart } = ok(await shopper.create(lines))
    expect(cart.lines.map(({ hold }) => hold.state)).toEqual(Array(5).fill('held'))
  })

  test('that shares an item with another is counted with it', async () => {
    const shopper = new Shopper()
    const item = newSku()
    await receive(item, 10)
    const single = factsOf(newSku(), { stock: [{ item, quantity: 1 }] })
    const box = factsOf(newSku(), { stock: [{ item, quantity: 4 }] })
    ok(await shopper.create([[single, 3]]))
    expect(await shopper.put(box, 2)).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: box.sku, requested: 2, available: 1 }] },
    })
    ok(await shopper.put(box, 1))
    expect((await promised(item)).reserved).toBe(7)
    ok(await shopper.rpc.removeLine({ ...shopper.access, sku: single.sku }))
    expect((await promised(item)).reserved).toBe(4)
  })

  test('of a bundle is held with all its items or not at all', async () => {
    const shopper = new Shopper()
    const [cup, lid] = [newSku(), newSku()]
    await receive(cup, 5)
    await receive(lid, 1)
    const set = factsOf(newSku(), {
      stock: [
        { item: cup, quantity: 1 },
        { item: lid, quantity: 1 },
      ],
    })
    ok(await shopper.create([]))
    expect(await shopper.put(set, 2)).toMatchObject({ facts: { lines: [{ available: 1 }] } })
    expect([(await promised(cup)).reserved, (await promised(lid)).reserved]).toEqual([0, 0])
    ok(await shopper.put(set, 1))
    expect([(await promised(cup)).reserved, (await promised(lid)).reserved]).toEqual([1, 1])
  })

  test('with an unchanged quantity does not prolong a live hold', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    const { cart } = ok(await shopper.create([[tee, 2]]))
    testClock.advance(60_000)
    const again = ok(await shopper.put(tee, 2)).cart
    expect(again.lines[0]!.hold).toEqual(cart.lines[0]!.hold)
  })

  test('cannot keep units from others for ever by changing', async () => {
    testClock.freeze(Date.now())
    const shopper = new Shopper()
    const tee = await stocked(5)
    const start = Date.parse(ok(await shopper.create([[tee, 1]])).cart.createdAt)
    let last = 0
    for (let minute = 10; minute < 60; minute += 10) {
      testClock.advance(600_000)
      const { cart } = ok(await shopper.put(tee, 1 + ((minute / 10) % 2)))
      last = Date.parse(cart.lines[0]!.hold.expiresAt!)
    }
    expect(last - start).toBe(4 * 900_000)
  })

  test('whose hold ended stays with a notice, and is held again by a PUT', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([[tee, 2]]))
    testClock.advance(901_000)
    const cart = await shopper.cart()
    expect(cart.lines[0]!.hold.state).toBe('expired')
    expect(cart.notices).toMatchObject([{ code: 'hold_expired', severity: 'warning', path: '/lines/0' }])
    const again = ok(await shopper.put(tee, 2)).cart
    expect([again.lines[0]!.hold.state, again.notices]).toEqual(['held', []])
    expect((await promised(tee.sku)).reserved).toBe(2)
  })

  test('of a variant without stock keeping is never refused and never held', async () => {
    const shopper = new Shopper()
    const gift = factsOf(newSku(), { stock: [] })
    const { cart } = ok(await shopper.create([[gift, 100]]))
    expect(cart.lines[0]!.hold).toEqual({ state: 'none', expiresAt: null })
  })

  test('above the limit of its SKU, of the cart or of money is refused', async () => {
    const shopper = new Shopper()
    const free = () => factsOf(newSku(), { stock: [] })
    ok(await shopper.create(Array.from({ length: CART_LINES_MAX }, () => [free(), 1])))
    expect(await shopper.put(free(), 1)).toMatchObject({ code: 'cart_full' })
    const limited = { ...free(), maxPerOrder: 2 }
    expect(await shopper.put(limited, 3)).toMatchObject({
      code: 'quantity_limit_exceeded',
      facts: { sku: limited.sku, limit: 2 },
    })
    const gold = { ...shopper.facts[0]!, unitPrice: 10 ** 12 }
    expect(await shopper.put(gold, 2)).toMatchObject({ code: 'cart_full' })
    const bulky = { ...shopper.facts[0]!, stock: [{ item: 'bulk', quantity: 10 ** 9 }] }
    expect(await shopper.put(bulky, 2)).toMatchObject({ code: 'cart_full' })
  })

  test('may not fill the cart with text beyond what a row takes', async () => {
    const shopper = new Shopper()
    const properties = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, 'ü'.repeat(500)]))
    const lines = Array.from({ length: 100 }, () => ({
      facts: factsOf(newSku(), { stock: [] }),
      quantity: 1,
      properties,
    }))
    expect(await shopper.create([], { lines })).toMatchObject({ code: 'cart_full' })
    ok(await shopper.create([], { lines: lines.slice(0, 40) }))
  })

  test('may fill the cart with whatever text: its order still fits into the record', async () => {
    const shopper = new Shopper()
    // Each character is two in JSON, and four in the JSON that carries that.
    const properties = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, '"\\'.repeat(250)]))
    const line = () => ({ facts: factsOf(newSku(), { stock: [] }), quantity: 1, properties })
    const lines = Array.from({ length: 43 }, line)
    expect(await shopper.create([], { lines: [...lines, line(), line(), line()] })).toMatchObject({
      code: 'cart_full',
    })
    ok(await shopper.create([], { lines }))
    shopper.facts = lines.map(({ facts }) => facts)
    await shopper.checkout()
    const { document } = await shopper.rpc.pull(1)
    expect(new TextEncoder().encode(JSON.stringify(document)).byteLength).toBeLessThan(2_000_000)
  })

  test('changes that come at once are one after the other: cart and stock agree', async () => {
    const shopper = new Shopper()
    const [tee, cap] = [await stocked(20), await stocked(20)]
    ok(await shopper.create([]))
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => shopper.put(index % 2 ? tee : cap, (index * 7) % 20)),
    )
    const cart = await shopper.cart()
    for (const { sku } of [tee, cap]) {
      const quantity = cart.lines.find((line) => line.sku === sku)?.quantity ?? 0
      expect((await promised(sku)).reserved).toBe(quantity)
    }
  })

  test('of a cart that holds at checkout holds nothing before', async () => {
    const shopper = new Shopper()
    const tee = await stocked(1)
    const { cart } = ok(await shopper.create([[tee, 5]], { hold: 'checkout' }))
    expect(cart.lines[0]!.hold).toEqual({ state: 'none', expiresAt: null })
    expect((await promised(tee.sku)).reserved).toBe(0)
  })
})

describe('a change of the cart', () => {
  const german = { ...TERMS, code: 'de', countries: ['DE', 'AT'] }
  const alps = { code: 'alps', title: 'Alps', countries: ['AT'], price: 900 }

  test('to an address outside the market is refused', async () => {
    const shopper = new Shopper()
    shopper.terms = german
    ok(await shopper.create([]))
    const { shippingAddress } = await shopper.cart()
    const patch = { shippingAddress: { ...shippingAddress!, country: 'US' } }
    expect(await shopper.update(patch)).toMatchObject({
      code: 'country_not_in_market',
    })
    expect((await shopper.cart()).shippingAddress!.country).toBe('DE')
  })

  test('to a shipping method needs one that exists and serves the address', async () => {
    const shopper = new Shopper()
    shopper.terms = { ...german, shippingMethods: [...german.shippingMethods, alps] }
    ok(await shopper.create([]))
    const patch = (shippingMethod: string | null) => shopper.update({ shippingMethod })
    expect(await patch('rocket')).toMatchObject({ code: 'shipping_method_not_found' })
    expect(await patch('alps')).toMatchObject({ code: 'shipping_method_unavailable' })
    expect(ok(await patch(null)).cart.shippingMethod).toBeNull()
  })

  test('of the address under a chosen method is taken, with a notice', async () => {
    const shopper = new Shopper()
    const german2 = { ...german, shippingMethods: [...german.shippingMethods, alps] }
    shopper.terms = german2
    const tee = await stocked(1)
    ok(await shopper.create([[tee, 1]]))
    const { shippingAddress } = await shopper.cart()
    const update = (patch: CartPatch) => shopper.update(patch)
    ok(await update({ shippingAddress: { ...shippingAddress!, country: 'AT' }, shippingMethod: 'alps' }))
    const { cart } = ok(await update({ shippingAddress }))
    expect(cart.notices).toMatchObject([{ code: 'shipping_method_unavailable', path: '/shippingMethod' }])
    expect(await shopper.begin()).toMatchObject({
      code: 'cart_incomplete',
      facts: { missing: ['shippingMethod'] },
    })
  })

  test('to another market prices the lines anew, or is refused where one has no price', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([[tee, 2]]))
    const terms = { ...TERMS, code: 'us', currency: 'USD' }
    const moved = { terms, facts: [{ ...tee, unitPrice: 1250 }] }
    const { cart } = ok(await shopper.update({ market: 'us' }, moved))
    expect(cart).toMatchObject({ market: 'us', currency: 'USD', lines: [{ hold: { state: 'held' } }] })
    expect(cart.totals.total).toEqual({ amount: 2500, currency: 'USD' })
    expect(await shopper.update({}, { terms: TERMS, facts: [] })).toMatchObject({
      code: 'currency_not_in_market',
      facts: { sku: tee.sku },
    })
  })
})

describe('an abandoned cart', () => {
  test('gives everything back, takes nothing any more, and may be abandoned again', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    ok(await shopper.create([[tee, 2]]))
    ok(await shopper.rpc.abandon(shopper.access))
    expect((await promised(tee.sku)).reserved).toBe(0)
    expect(await shopper.put(tee, 1)).toMatchObject({ code: 'cart_closed' })
    expect(await shopper.begin()).toMatchObject({ code: 'cart_closed' })
    ok(await shopper.rpc.abandon(shopper.access))
    expect((await shopper.cart()).status).toBe('abandoned')
  })
})
