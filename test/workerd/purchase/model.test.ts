import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import type { VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
import type { AuthorizeResult } from '../../../schema/rpc/purchase.ts'
import {
  factsOf,
  newSku,
  ok,
  promised,
  receive,
  SETTINGS,
  Shopper,
  silenceQueue,
  stamp,
  usedBy,
} from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

/** Two items under four SKUs: alone, as a pair, and as a box of one of them; of the first SKU a customer may have 3. */
const UNITS = 6
const MOST_FOR_ONE = 3
const BUYERS = 3

interface World {
  line: Line
  items: string[]
  skus: VariantFacts[]
  buyers: Shopper[]
  /** Whom a buyer may be; two buyers may be one. */
  customers: string[]
  /** PUTs that a buyer's purchase died over, and that the buyer did not repeat yet, by buyer and SKU. */
  cut: Map<string, Extract<Action, { do: 'put' }>>
}

async function newWorld(): Promise<World> {
  const [cup, lid] = [newSku(), newSku()]
  await receive(cup, UNITS)
  await receive(lid, UNITS)
  const sku = (...stock: [item: string, quantity: number][]) =>
    factsOf(newSku(), { stock: stock.map(([item, quantity]) => ({ item, quantity })) })
  const limited = { ...sku([cup, 1]), maxPerCustomer: MOST_FOR_ONE }
  const skus = [limited, sku([lid, 1]), sku([cup, 1], [lid, 1]), sku([cup, 3])]
  const buyers = Array.from({ length: BUYERS }, () => new Shopper())
  for (const buyer of buyers) {
    ok(await buyer.create([]))
    buyer.facts = skus
  }
  const customers = ['one', 'other'].map((who) => `${who}-${crypto.randomUUID()}`)
  for (const buyer of buyers.slice(0, 2)) ok(await buyer.become(customers[0]!))
  return { line: new Line(), items: [cup, lid], skus, buyers, customers, cut: new Map() }
}

type Action =
  | { do: 'put'; buyer: number; sku: number; quantity: number; fates: Fate[] }
  | { do: 'checkout'; buyer: number; outcome: 'authorized' | 'declined' | 'unavailable'; crashBefore: number }
  | { do: 'cancel'; buyer: number }
  | { do: 'become'; buyer: number; customer: number }
  | { do: 'wait'; ms: number }
  | { do: 'evict'; buyer: number }
  | { do: 'storm'; fates: Fate[] }

/**
 * What becomes of a call to Stock: it does not arrive, its answer is lost, it arrives when nobody waits any more, or the
 * purchase dies between the answer and its own commit.
 */
type Fate = 'arrives' | 'unsent' | 'unanswered' | 'late' | 'fatal'

const buyer = fc.nat(BUYERS - 1)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      buyer,
      sku: fc.nat(3),
      quantity: fc.nat(4),
      // A bundle of two with a quota makes three calls.
      fates: fc.oneof(
        { weight: 3, arbitrary: fc.constant<Fate[]>([]) },
        { weight: 1, arbitrary: fc.constantFrom<Fate[]>(['fatal'], ['arrives', 'fatal']) },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('checkout' as const),
      buyer,
      outcome: fc.constantFrom('authorized' as const, 'declined' as const, 'unavailable' as const),
      crashBefore: fc.nat(8),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), buyer }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('become' as const), buyer, customer: fc.nat(1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(60_000, 500_000, 901_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const), buyer }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('storm' as const),
      fates: fc.array(fc.constantFrom<Fate>('arrives', 'unsent', 'unanswered', 'late', 'fatal'), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
  },
)

const KEEPERS = [env.STOCK, env.QUOTA].map((namespace) => ({
  namespace,
  get: namespace.get.bind(namespace) as (id: DurableObjectId) => unknown,
}))
type Call = (command: unknown) => Promise<unknown>

/** The line between purchases and stock: each call takes the next fate, and arrives when there is none left. */
class Line {
  #fates: Fate[] = []
  #late: (() => Promise<unknown>)[] = []
  #isFatal = false

  constructor() {
    for (const { namespace, get } of KEEPERS) {
      vi.spyOn(namespace, 'get').mockImplementation((id) => {
        // A stub belongs to whoever asks, so each call makes its own.
        const ask = (method: string) => (command: unknown) =>
          (get(id) as Record<string, Call>)[method]!(command)
        const carried = ['reserve', 'release', 'allocate', 'deallocate'].map((method) => [
          method,
          (command: unknown) => this.#carry(() => ask(method)(command)),
        ])
        // A look that fails changes nothing, and the test's own questions take no part.
        const calm = ['look', 'levels', 'move'].map((method) => [method, ask(method)])
        return Object.fromEntries([...carried, ...calm]) as never
      })
    }
  }

  /** What the purchase answers, or null where it dies over it. */
  async outcomeOf<T>(shopper: Shopper, command: Promise<T>): Promise<T | null> {
    let isOver = false
    const answer = command.catch((error) => {
      if (!this.#isFatal) throw error
      return null
    })
    const over = () => {
      isOver = true
    }
    answer.then(over, over)
    while (!isOver && !this.#isFatal) await scheduler.wait(0)
    if (this.#isFatal) {
      await runInDurableObject(shopper.stub, (_, state) => state.abort('crash')).catch(() => undefined)
    }
    const outcome = await answer
    this.#isFatal = false
    return outcome
  }

  storm(fates: readonly Fate[]): void {
    this.#fates = [...fates]
  }

  /** What was under way comes to its end, too late. */
  async calm(): Promise<void> {
    this.#fates = []
    for (const call of this.#late.splice(0)) await call()
  }

  async #carry(call: () => Promise<unknown>): Promise<unknown> {
    const fate = this.#fates.shift() ?? 'arrives'
    if (fate === 'late') this.#late.push(call)
    else if (fate !== 'unsent') {
      const answer = await call()
      if (fate === 'arrives') return answer
      if (fate === 'fatal') {
        this.#isFatal = true
        return new Promise(() => {})
      }
    }
    throw new Error(`the line to stock: ${fate}`)
  }
}

async function perform(world: World, act: Action): Promise<void> {
  const { buyers, line, customers } = world
  if (act.do === 'wait') return testClock.advance(act.ms)
  if (act.do === 'storm') return line.storm(act.fates)
  const shopper = buyers[act.buyer]!
  switch (act.do) {
    case 'put':
      return put(world, act)
    case 'evict':
      await evict(shopper)
      await line.outcomeOf(shopper, runDurableObjectAlarm(shopper.stub))
      return
    case 'become': {
      const before = shopper.customer
      const told = await line.outcomeOf(shopper, shopper.become(customers[act.customer]!))
      if (!told?.ok) shopper.customer = before
      return
    }
    case 'cancel': {
      const cancelled = shopper.rpc.cancel({
        settings: SETTINGS,
        reason: null,
        actor: 'root',
        expectedVersion: null,
        idempotency: stamp(),
      })
      await line.outcomeOf(shopper, cancelled)
      return
    }
    case 'checkout':
      return checkOut(world, act)
  }
}

async function put({ buyers, skus, line, cut }: World, act: Extract<Action, { do: 'put' }>): Promise<void> {
  const shopper = buyers[act.buyer]!
  if (act.fates.length > 0) line.storm(act.fates)
  const told = await line.outcomeOf(shopper, shopper.put(skus[act.sku]!, act.quantity))
  const key = `${act.buyer}/${act.sku}`
  if (told === null) cut.set(key, act)
  else if (told.ok || told.code !== 'unavailable') cut.delete(key)
}

/** One that died lies down already, and only what runs can be evicted. */
async function evict(shopper: Shopper): Promise<void> {
  await shopper.cart()
  await evictDurableObject(shopper.stub)
}

/** Takes the steps one by one, and loses runner and object before one of them. */
async function checkOut({ buyers, line }: World, act: Extract<Action, { do: 'checkout' }>): Promise<void> {
  const shopper = buyers[act.buyer]!
  const begun = await shopper.begin()
  if (!begun.ok) return
  const result: AuthorizeResult =
    act.outcome === 'authorized'
      ? { outcome: act.outcome, providerReference: 'r' }
      : act.outcome === 'declined'
        ? { outcome: act.outcome, providerReference: null, reason: 'no' }
        : { outcome: act.outcome }
  await run(line, shopper, begun.attempt, result, act.crashBefore)
}

/** A step that stock did not answer ends its runner; the next one goes on once the lease is overdue. */
async function run(
  line: Line,
  shopper: Shopper,
  attempt: number,
  result: AuthorizeResult,
  crashBefore: number,
) {
  let taken = ok(await shopper.rpc.takeCheckout({ attempt }))
  let { step } = taken
  for (let steps = 0; step.do !== 'finished'; steps++) {
    if (steps === crashBefore) await evict(shopper)
    else {
      const taking = shopper.take(step, taken.lease, { authorize: result })
      const told = await line.outcomeOf(shopper, taking)
      if (told?.ok) {
        step = told.step
        continue
      }
      if (told) expect(told.code).toBe('unavailable')
    }
    testClock.advance(10_001)
    taken = ok(await shopper.rpc.takeCheckout({ attempt }))
    step = taken.step
  }
}

/** Better days: what was cut is taken to its end, by the buyer who asks again, the next runner and the alarm. */
async function calm(world: World): Promise<void> {
  const { line, buyers, cut } = world
  await line.calm()
  for (const act of cut.values()) {
    // What the cart shows is what it asks for: the change before the cut one was the last that was heard of.
    const { sku } = world.skus[act.sku]!
    const shown = (await buyers[act.buyer]!.cart()).lines.find((shownLine) => shownLine.sku === sku)
    await put(world, { ...act, quantity: shown?.quantity ?? 0, fates: [] })
  }
  expect(cut.size).toBe(0)
  for (const shopper of buyers) {
    for (let rings = 0; rings < 3; rings++) {
      testClock.advance(61_000)
      await runDurableObjectAlarm(shopper.stub)
    }
    expect((await shopper.cart()).status).not.toBe('checking_out')
  }
}

/** What carts show and orders say is what stock has promised, and no more than there is. */
async function check({ items, skus, buyers, customers }: World): Promise<void> {
  const held = new Map<string, number>()
  const sold = new Map<string, number>()
  const ordered = new Map<string, number>()
  for (const shopper of buyers) {
    const cart = await shopper.cart()
    for (const line of cart.lines) {
      const stock = shopper.facts.find(({ sku }) => sku === line.sku)!.stock
      const order = cart.order ? ok(await shopper.rpc.order({ token: cart.order.token })).order : null
      const isSold = order?.status === 'placed'
      if (isSold && line.sku === skus[0]!.sku && shopper.customer) {
        ordered.set(shopper.customer, (ordered.get(shopper.customer) ?? 0) + line.quantity)
      }
      const isHeld = line.hold.state === 'held'
      for (const { item, quantity } of stock) {
        if (isSold) sold.set(item, (sold.get(item) ?? 0) + quantity * line.quantity)
        if (isHeld) held.set(item, (held.get(item) ?? 0) + quantity * line.quantity)
      }
    }
  }
  for (const item of items) {
    const { reserved, allocated } = await promised(item)
    expect(reserved + allocated).toBeLessThanOrEqual(UNITS)
    expect(allocated).toBe(sold.get(item) ?? 0)
    // A bundle shows as expired when one of its items is; the other one may still be held for it.
    expect(reserved).toBeGreaterThanOrEqual(held.get(item) ?? 0)
  }
  for (const customer of customers) {
    const { reserved, allocated } = await usedBy(customer, skus[0]!.sku)
    expect(allocated).toBe(ordered.get(customer) ?? 0)
    expect(reserved + allocated).toBeLessThanOrEqual(MOST_FOR_ONE)
  }
  testClock.advance(3_600_000)
  for (const customer of customers) expect((await usedBy(customer, skus[0]!.sku)).reserved).toBe(0)
  for (const item of items) expect((await promised(item)).reserved).toBe(0)
}

test('whatever buyers do, whenever they crash: carts, orders and stock agree, and nothing is held for ever', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 16 }), async (actions) => {
      const world = await newWorld()
      for (const act of actions) await perform(world, act)
      await calm(world)
      await check(world)
    }),
    { numRuns: 40 },
  )
}, 120_000)
