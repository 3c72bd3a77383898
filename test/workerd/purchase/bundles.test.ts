import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type HoldChange,
  type HoldVerdict,
  StockHolds,
} from '../../../durable-objects/purchase/stock-holds.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { newCart } from '../../../schema/ids.ts'
import type { VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
import { factsOf, holdAs, newSku, ok, promised, receive, Shopper, STORE, silenceQueue } from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

/** A variant made of these items. */
function bundle(...stock: [item: string, quantity: number][]): VariantFacts {
  return factsOf(newSku(), { stock: stock.map(([item, quantity]) => ({ item, quantity })) })
}

async function itemWith(units: number): Promise<string> {
  const item = newSku()
  if (units > 0) await receive(item, units)
  return item
}

const reservedOf = async (item: string) => (await promised(item)).reserved

describe('a bundle', () => {
  test('that takes two of an item is held for whole pairs only', async () => {
    const [glove, box] = [await itemWith(5), await itemWith(9)]
    const pair = bundle([glove, 2], [box, 1])
    const shopper = new Shopper()
    ok(await shopper.create([]))
    expect(await shopper.put(pair, 3)).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: pair.sku, requested: 3, available: 2 }] },
    })
    ok(await shopper.put(pair, 2))
    expect([await reservedOf(glove), await reservedOf(box)]).toEqual([4, 2])
  })

  test('that names an item twice takes both', async () => {
    const bolt = await itemWith(7)
    const kit = bundle([bolt, 1], [bolt, 2])
    const shopper = new Shopper()
    ok(await shopper.create([[kit, 2]]))
    expect(await reservedOf(bolt)).toBe(6)
    expect(await shopper.put(kit, 3)).toMatchObject({ facts: { lines: [{ requested: 3, available: 2 }] } })
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect(await promised(bolt)).toEqual({ reserved: 0, allocated: 6 })
  })

  test('and a single that share an item are counted together, at the cart and at the order', async () => {
    const [cup, lid] = [await itemWith(3), await itemWith(9)]
    const [single, set] = [bundle([cup, 1]), bundle([cup, 1], [lid, 1])]
    const shopper = new Shopper()
    expect(
      await shopper.create([
        [single, 2],
        [set, 2],
      ]),
    ).toMatchObject({
      code: 'insufficient_stock',
      facts: {
        lines: [
          { sku: single.sku, requested: 2, available: 1 },
          { sku: set.sku, requested: 2, available: 1 },
        ],
      },
    })
    expect([await reservedOf(cup), await reservedOf(lid)]).toEqual([0, 0])
    ok(
      await shopper.create([
        [single, 2],
        [set, 1],
      ]),
    )
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect([await promised(cup), await promised(lid)]).toEqual([
      { reserved: 0, allocated: 3 },
      { reserved: 0, allocated: 1 },
    ])
  })

  test('whose items are asked for in opposite orders by many at once sells to the last unit', async () => {
    const [left, right] = [await itemWith(6), await itemWith(6)]
    const bundles = [bundle([left, 1], [right, 1]), bundle([right, 1], [left, 1])]
    const shoppers = Array.from({ length: 24 }, () => new Shopper())
    const made = await Promise.all(
      shoppers.map((shopper, index) => shopper.create([[bundles[index % 2]!, 1]])),
    )
    const winners = shoppers.filter((_, index) => made[index]!.ok)
    expect(winners.length).toBeGreaterThan(0)
    expect([await reservedOf(left), await reservedOf(right)]).toEqual([winners.length, winners.length])
    // Nothing is left behind: who asks now gets the rest, whole.
    const rest = 6 - winners.length
    if (rest > 0) ok(await new Shopper().create([[bundles[0]!, rest]]))
    await Promise.all(winners.map((shopper) => shopper.checkout()))
    expect([await promised(left), await promised(right)]).toEqual([
      { reserved: rest, allocated: 6 - rest },
      { reserved: rest, allocated: 6 - rest },
    ])
  })
})

describe('a bundle that loses an item between the look and the hold', () => {
  test.each([
    ['the last', 1],
    ['of plenty', 200],
  ])('gives back what it took of the other: %s', async (_, units) => {
    const [first, second] = (await Promise.all([itemWith(units), itemWith(units)])).sort()
    const shopper = new Shopper()
    ok(await shopper.create([]))
    const get = env.STOCK.get.bind(env.STOCK)
    const command = { store: STORE, purchaseId: 'quick', version: 1, quantity: units, lowStockThreshold: 0 }
    let taken: Promise<unknown> | undefined
    vi.spyOn(env.STOCK, 'get').mockImplementation((id) => {
      const ask = (method: 'look' | 'release' | 'levels') => (query: never) => get(id)[method](query)
      const reserve = async (own: never) => {
        taken ??= get(env.STOCK.idFromName(`${STORE.slug}/${second}`)).reserve({
          ...command,
          expiresAt: now() + 60_000,
        })
        await taken
        return get(id).reserve(own)
      }
      return { look: ask('look'), release: ask('release'), levels: ask('levels'), reserve } as never
    })
    const pair = bundle([first!, 1], [second!, 1])
    expect(await shopper.put(pair, 1)).toMatchObject({
      code: 'insufficient_stock',
      facts: { lines: [{ sku: pair.sku, requested: 1, available: 0 }] },
    })
    expect([await reservedOf(first!), await reservedOf(second!)]).toEqual([0, units])
    expect((await shopper.cart()).lines).toEqual([])
  })
})

describe('a crash', () => {
  test('of the purchase between two items of a bundle keeps neither: the hold ends, and may be asked for again', async () => {
    const [first, second] = [await itemWith(1), await itemWith(1)]
    const pair = bundle([first, 1], [second, 1])
    const shopper = new Shopper()
    ok(await shopper.create([]))
    const get = env.STOCK.get.bind(env.STOCK)
    let holds = 0
    const cut = vi.spyOn(env.STOCK, 'get').mockImplementation((id) => {
      const ask = (method: 'look' | 'reserve' | 'release') => (command: never) => get(id)[method](command)
      const reserve = (command: never) => (++holds === 1 ? ask('reserve')(command) : new Promise(() => {}))
      return { look: ask('look'), release: ask('release'), reserve } as never
    })
    const lost = shopper.put(pair, 1).catch(() => 'lost')
    await vi.waitFor(() => expect(holds).toBe(2))
    await runInDurableObject(shopper.stub, (_, state) => state.abort('crash')).catch(() => undefined)
    expect(await lost).toBe('lost')
    cut.mockRestore()
    expect((await reservedOf(first)) + (await reservedOf(second))).toBe(1)
    expect((await shopper.cart()).lines).toEqual([])
    // The same shopper is not refused for the half that nobody knows of any more.
    ok(await shopper.put(pair, 1))
    expect([await reservedOf(first), await reservedOf(second)]).toEqual([1, 1])
    ok(await shopper.rpc.abandon(shopper.access))
    expect([await reservedOf(first), await reservedOf(second)]).toEqual([0, 0])
  })

  test('of the purchase for good leaves a half only as long as a hold lasts', async () => {
    const [first, second] = [await itemWith(1), await itemWith(1)]
    const pair = bundle([first, 1], [second, 1])
    const gone = new Shopper()
    await holdAs(gone.purchaseId, first, 1)
    expect(await new Shopper().create([[pair, 1]])).toMatchObject({ code: 'insufficient_stock' })
    expect(await reservedOf(second)).toBe(0)
    testClock.advance(901_000)
    ok(await new Shopper().create([[pair, 1]]))
  })

  test('of the items between hold and order loses none of it', async () => {
    const [first, second] = [await itemWith(2), await itemWith(2)]
    const shopper = new Shopper()
    ok(await shopper.create([[bundle([first, 1], [second, 2]), 1]]))
    for (const item of [first, second]) await evictItem(item)
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    for (const item of [first, second]) await evictItem(item)
    await evictDurableObject(shopper.stub)
    testClock.advance(10_001)
    expect((await shopper.run(attempt)).step).toMatchObject({ answer: { kind: 'placed' } })
    expect([await promised(first), await promised(second)]).toEqual([
      { reserved: 0, allocated: 1 },
      { reserved: 0, allocated: 2 },
    ])
  })
})

/** Buyers whose calls to the real items arrive, and whose answers come back, in whatever order the scheduler likes. */
class Race {
  readonly #scheduler: fc.Scheduler
  #underWay = 0

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler
  }

  /** Asks for all of `wants` at once, as `purchaseId`. */
  async ask(wants: [item: string, quantity: number][]): Promise<HoldVerdict['kind']> {
    const { purchaseId } = newCart(now())
    let version = now()
    const context = {
      store: STORE,
      purchaseId,
      lowStockThreshold: 0,
      versions: { next: () => ++version, raiseTo: () => {} },
    }
    const changes = wants.map(
      ([item, quantity]): HoldChange => ({
        kind: 'stock',
        item,
        quantity,
        expiresAt: now() + 60_000,
        before: { quantity: 0, expiresAt: 0 },
      }),
    )
    return (await new StockHolds(this.#slow()).change(context, changes)).kind
  }

  /** One step at a time, chosen among all that could come next: nobody is ahead by being quick. */
  async run<T>(buyers: Promise<T>): Promise<T> {
    let isOver = false
    const over = buyers.finally(() => {
      isOver = true
    })
    while (!isOver) {
      do await scheduler.wait(0)
      while (this.#underWay > 0)
      if (this.#scheduler.count() > 0) await this.#scheduler.waitOne()
    }
    return over
  }

  #slow(): Env {
    const carried = (id: DurableObjectId) => {
      const carry = (method: 'look' | 'reserve' | 'release') => async (command: never) => {
        await this.#scheduler.schedule(Promise.resolve(), `${method} of ${id.name} arrives`)
        this.#underWay += 1
        const answer = await env.STOCK.get(id)[method](command)
        this.#underWay -= 1
        await this.#scheduler.schedule(Promise.resolve(), `${method} of ${id.name} is answered`)
        return answer
      }
      return { look: carry('look'), reserve: carry('reserve'), release: carry('release') }
    }
    const STOCK = { idFromName: (name: string) => env.STOCK.idFromName(name), get: carried }
    return { ...env, STOCK } as unknown as Env
  }
}

const wish = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 3 })

describe('buyers who race for bundles', () => {
  test('for the last pair, from opposite ends: exactly one has it, whatever arrives first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (order) => {
        const [left, right] = [await itemWith(1), await itemWith(1)]
        const race = new Race(order)
        const verdicts = await race.run(
          Promise.all([
            race.ask([
              [left, 1],
              [right, 1],
            ]),
            race.ask([
              [right, 1],
              [left, 1],
            ]),
          ]),
        )
        expect(verdicts.sort()).toEqual(['held', 'refused'])
        expect([await reservedOf(left), await reservedOf(right)]).toEqual([1, 1])
      }),
      { numRuns: 40 },
    )
  })

  test('never keep a part, and are refused all of them only if none of them could have had it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)),
        fc.array(wish, { minLength: 2, maxLength: 4 }),
        async (order, units, wishes) => {
          const items = await Promise.all(units.map((count) => itemWith(count)))
          const wants = wishes.map((lines) => [...new Map(lines)])
          const race = new Race(order)
          const verdicts = await race.run(
            Promise.all(
              wants.map((lines) => race.ask(lines.map(([index, quantity]) => [items[index]!, quantity]))),
            ),
          )
          const couldHave = wants.filter((lines) =>
            lines.every(([index, quantity]) => quantity <= units[index]!),
          )
          expect(verdicts.includes('held')).toBe(couldHave.length > 0)
          const kept = [0, 0, 0]
          wants.forEach((lines, buyer) => {
            if (verdicts[buyer] === 'held') for (const [index, quantity] of lines) kept[index]! += quantity
          })
          expect(await Promise.all(items.map(reservedOf))).toEqual(kept)
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)
})

async function evictItem(item: string): Promise<void> {
  await evictDurableObject(env.STOCK.get(env.STOCK.idFromName(`${STORE.slug}/${item}`)))
}
