import { evictDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { paymentId } from '../../../schema/ids.ts'
import type { AuthorizeResult, CheckoutStep, Lease } from '../../../schema/rpc/purchase.ts'
import { OFFLINE, ok, promised, receive, SETTINGS, Shopper, silenceQueue, stamp, stocked } from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => testClock.reset())

type Money = 'none' | 'asked' | 'authorized' | 'captured' | 'declined' | 'given back'

const ANSWERS = ['authorized', 'asked', 'declined', 'lost', 'lost, authorized', 'lost, asked'] as const
type Answer = (typeof ANSWERS)[number]

/** A provider as a provider is: what it did it remembers under the payment's id, also where its answer was lost. */
class Provider {
  readonly money = new Map<string, Money>()

  authorize(id: string, answer: Answer): AuthorizeResult {
    const done = answer.replace('lost, ', '')
    if (!this.money.has(id)) this.money.set(id, done === 'lost' ? 'none' : (done as Money))
    if (answer.startsWith('lost')) return { outcome: 'unavailable' }
    const money = this.money.get(id)
    if (money === 'authorized' || money === 'captured')
      return { outcome: 'authorized', providerReference: 'r' }
    if (money === 'asked') return { outcome: 'requires_action', providerReference: 'r', url: '/bank' }
    return { outcome: 'declined', providerReference: 'r', reason: 'no' }
  }

  capture(id: string): boolean {
    if (this.money.get(id) === 'authorized') this.money.set(id, 'captured')
    return this.money.get(id) === 'captured'
  }

  undo(id: string): boolean {
    if (this.money.get(id) !== 'declined') this.money.set(id, 'given back')
    return true
  }

  /** Only what was captured can be refunded. */
  refund(id: string): boolean {
    if (this.money.get(id) === 'captured') this.money.set(id, 'given back')
    return this.money.get(id) === 'given back'
  }

  /** The shopper pays at the bank, or fails to and may try again; false when there is nothing to tell. */
  settle(id: string, outcome: 'succeeded' | 'failed'): boolean {
    const money = this.money.get(id)
    if (money !== 'asked' && (money !== 'authorized' || outcome === 'failed')) return false
    if (outcome === 'succeeded') this.money.set(id, 'captured')
    return true
  }
}

type Action =
  /** A runner takes so many steps and may die before the last of them, or before its answer is recorded. */
  | { do: 'run'; steps: number; answer: Answer; isDown: boolean; dies: 'never' | 'before' | 'after' }
  | { do: 'note'; attemptsAgo: number; outcome: 'succeeded' | 'failed' }
  | { do: 'wait'; ms: number }
  | { do: 'begin' | 'effects' | 'cancel' | 'evict' | 'steal' }

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      steps: fc.constantFrom(1, 2, 3, 5, 8),
      answer: fc.constantFrom(...ANSWERS),
      isDown: fc.boolean(),
      dies: fc.constantFrom('never' as const, 'never', 'never', 'before', 'after'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('note' as const),
      attemptsAgo: fc.constantFrom(0, 0, 0, 1),
      outcome: fc.constantFrom('succeeded' as const, 'failed'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(10_001, 901_000, 1_000_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('effects' as const, 'cancel', 'evict', 'steal') }),
  },
)

const UNITS = 2
const GOOD_DAYS = { do: 'run', steps: 20, answer: 'authorized', isDown: false, dies: 'never' } as const

class World {
  readonly shopper = new Shopper()
  readonly provider = new Provider()
  sku = ''
  #attempt = 0

  async begin(): Promise<void> {
    const tee = await stocked(UNITS)
    this.sku = tee.sku
    ok(await this.shopper.create([[tee, UNITS]]))
  }

  async perform(act: Action): Promise<void> {
    const { shopper, provider } = this
    if (act.do === 'run') return this.run(act)
    if (act.do === 'wait') testClock.advance(act.ms)
    if (act.do === 'effects') await this.effects()
    if (act.do === 'evict') {
      await evictDurableObject(shopper.stub)
      // What does not run cannot be evicted again.
      await shopper.cart()
    }
    if (act.do === 'begin') {
      const begun = await shopper.begin()
      if (begun.ok) this.#attempt = begun.attempt
    }
    if (act.do === 'note') {
      const attempt = this.#attempt - act.attemptsAgo
      const id = paymentId({ store: 'default', purchaseId: shopper.purchaseId, attempt })
      if (!provider.settle(id, act.outcome)) return
      ok(
        await shopper.rpc.notePayment({
          provider: OFFLINE,
          paymentId: id,
          eventId: crypto.randomUUID(),
          outcome: act.outcome,
        }),
      )
    }
    if (act.do === 'cancel') {
      const rest = { reason: null, actor: 'root', expectedVersion: null, idempotency: stamp() }
      await shopper.rpc.cancel({ settings: SETTINGS, ...rest })
    }
    if (act.do === 'steal') {
      const { reserved, allocated } = await promised(this.sku)
      if (reserved + allocated === 0) await receive(this.sku, -UNITS).catch(() => undefined)
    }
  }

  async run(act: Extract<Action, { do: 'run' }>): Promise<void> {
    const taken = await this.shopper.rpc.takeCheckout({ attempt: null })
    if (!taken.ok) return
    let step: CheckoutStep | null = taken.step
    for (let left = act.steps; left > 0 && step && step.do !== 'wait' && step.do !== 'finished'; left--) {
      step = await this.#take(step, taken.lease, left === 1 ? act : { ...act, dies: 'never' })
    }
  }

  async #take(step: CheckoutStep, lease: Lease, act: Extract<Action, { do: 'run' }>) {
    if (act.dies === 'before') return null
    const { provider } = this
    const told = { authorize: undefined as AuthorizeResult | undefined, isCaptured: false, isUndone: false }
    if (step.do === 'authorize') told.authorize = provider.authorize(step.request.paymentId, act.answer)
    if (step.do === 'capture' && !act.isDown) told.isCaptured = provider.capture(step.request.paymentId)
    if (step.do === 'undo' && !act.isDown) told.isUndone = provider.undo(step.request.paymentId)
    const isOutside = step.do === 'authorize' || step.do === 'capture' || step.do === 'undo'
    if (act.dies === 'after' && isOutside) return null
    const { authorize, ...rest } = told
    const outcome = await this.shopper.take(step, lease, authorize ? { ...rest, authorize } : rest)
    return outcome.ok && act.dies !== 'after' ? outcome.step : null
  }

  async effects(): Promise<void> {
    for (const effect of await this.shopper.rpc.pendingEffects()) {
      const isDone = this.provider[effect.do](effect.request.paymentId)
      await this.shopper.rpc.settleEffect({ id: effect.id, isDone })
    }
  }

  /** Better days: the next runners and the alarm take everything to its end. */
  async calm(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      testClock.advance(1_000_000)
      await this.run(GOOD_DAYS)
      await this.effects()
    }
  }

  async check(): Promise<void> {
    const cart = await this.shopper.cart()
    expect(cart.status).not.toBe('checking_out')
    const order = cart.order && ok(await this.shopper.rpc.order({ token: cart.order.token })).order
    const isStanding = order?.status === 'placed'
    const taken = [...this.provider.money].filter(
      ([, money]) => money === 'captured' || money === 'authorized',
    )
    expect(taken).toEqual(isStanding ? [[order.payments[0]!.id, 'captured']] : [])
    if (isStanding) expect(order.paymentStatus).toBe('paid')
    expect(await promised(this.sku)).toEqual({ reserved: 0, allocated: isStanding ? UNITS : 0 })
    const placed = (await this.shopper.events()).filter(({ type }) => type === 'order.placed')
    expect(placed).toHaveLength(order ? 1 : 0)
  }
}

test('whatever is lost and whoever comes first: one order with its one payment taken, or none and all money back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 20 }), async (actions) => {
      const world = new World()
      await world.begin()
      for (const act of actions) await world.perform(act)
      await world.calm()
      await world.check()
    }),
    { numRuns: 100 },
  )
}, 60_000)
