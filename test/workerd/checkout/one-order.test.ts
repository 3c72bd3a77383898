import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { LEASE_MS, PAYMENT_WINDOW_MS, type PaymentRequest } from '../../../schema/rpc/purchase.ts'
import { testProvider } from '../../../worker/payments/test-provider.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'
import { beginAndDie, runAndDie } from './dying-runner.ts'

/** What can happen to a purchase while it is checked out, in any order. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('checkout' as const),
      token: fc.constantFrom(
        'tok_ok',
        'tok_declined',
        'tok_requires_action',
        'tok_requires_action',
        'tok_error',
      ),
      /** Whether the key is the one of the checkout before. */
      isRepeat: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('two at once' as const), isOneKey: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die before' as const),
      token: fc.constantFrom('tok_ok', 'tok_requires_action', 'tok_error'),
      step: fc.constantFrom('reprice', 'hold', 'authorize', 'place', 'capture', 'undo'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('notify' as const),
      outcome: fc.constantFrom('succeeded', 'failed'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('alarm' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(LEASE_MS + 1, 901_000, PAYMENT_WINDOW_MS + 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('lose the next answer' as const),
      of: fc.constantFrom('authorize' as const, 'capture' as const, 'void' as const),
      /** Whether the provider did what it was asked before its answer was lost. */
      isDone: fc.boolean(),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** The provider's own books: what a payment holds of the shopper's money. */
class Books {
  readonly payments = new Map<string, 'authorized' | 'captured' | 'void' | 'refunded'>()
  #loss: { of: string; isDone: boolean } | null = null

  loseNext(of: string, isDone: boolean): void {
    this.#loss = { of, isDone }
  }

  #keep(of: string, book: () => void): void {
    const loss = this.#loss?.of === of ? this.#loss : null
    if (loss) this.#loss = null
    if (!loss || loss.isDone) book()
    if (loss) throw new Error('the answer was lost')
  }

  install(): void {
    const { authorize } = testProvider
    vi.spyOn(testProvider, 'authorize').mockImplementation(async (request) => {
      const result = await authorize(request)
      this.#keep('authorize', () => {
        if (result.outcome === 'authorized') this.authorized(request.paymentId)
      })
      return result
    })
    vi.spyOn(testProvider, 'capture').mockImplementation(async ({ paymentId }: PaymentRequest) => {
      this.#keep('capture', () => {
        expect(['authorized', 'captured']).toContain(this.payments.get(paymentId))
        this.payments.set(paymentId, 'captured')
      })
      return 'done'
    })
    vi.spyOn(testProvider, 'void').mockImplementation(async ({ paymentId }: PaymentRequest) => {
      if (this.payments.get(paymentId) === 'captured') return 'captured'
      this.#keep('void', () => this.payments.set(paymentId, 'void'))
      return 'done'
    })
    vi.spyOn(testProvider, 'refund').mockImplementation(async ({ paymentId }: PaymentRequest) => {
      this.payments.set(paymentId, 'refunded')
      return 'done'
    })
  }

  /** A provider does not authorize again what it has given back. */
  authorized(paymentId: string): void {
    if (!this.payments.has(paymentId)) this.payments.set(paymentId, 'authorized')
  }

  holding(): string[] {
    return [...this.payments]
      .filter(([, held]) => held === 'authorized' || held === 'captured')
      .map(([id]) => id)
  }
}

class World {
  readonly books = new Books()
  readonly orders = new Set<string>()
  readonly sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  cartId = ''
  #key: string = crypto.randomUUID()
  #token = 'tok_ok'
  /** Payments that wait for their shopper at the provider. */
  readonly #waiting: string[] = []

  async begin(): Promise<void> {
    await stocked(this.sku, 3)
    const made = await readyCart([{ sku: this.sku, quantity: 2 }])
    expect(made.status).toBe(201)
    this.cartId = made.body.id
    this.books.install()
  }

  async take(move: Step): Promise<void> {
    switch (move.do) {
      case 'checkout':
        if (!move.isRepeat) {
          this.#key = crypto.randomUUID()
          this.#token = move.token
        }
        return this.#checkout(this.#key)
      case 'two at once':
        await this.#checkoutTwice(crypto.randomUUID(), move.isOneKey)
        return
      case 'die before': {
        const attempt = await beginAndDie(this.cartId, move.token)
        if (attempt !== null) await runAndDie(this.cartId, attempt, move.step)
        return
      }
      case 'notify':
        return this.#notify(move.outcome)
      case 'alarm':
        await runDurableObjectAlarm(this.#stub())
        return
      case 'evict':
        // Only what runs can be evicted.
        await call('GET', `/v1/carts/${this.cartId}`)
        return evictDurableObject(this.#stub())
      case 'wait':
        return testClock.advance(move.ms)
      case 'lose the next answer':
        return this.books.loseNext(move.of, move.isDone)
    }
  }

  async #checkoutTwice(key: string, isOneKey: boolean): Promise<void> {
    await Promise.all([this.#checkout(key), this.#checkout(isOneKey ? key : crypto.randomUUID())])
  }

  async #checkout(key: string): Promise<void> {
    const { status, body } = await checkout(this.cartId, this.#token, key)
    expect([201, 202, 402, 409, 503], JSON.stringify(body)).toContain(status)
    if (status === 201) this.orders.add(body.id)
    if (status === 202) this.#waiting.push(body.action.paymentId)
    if (status === 409 && body.order) this.orders.add(body.order.id)
  }

  async #notify(outcome: string): Promise<void> {
    const paymentId = this.#waiting.at(-1)
    if (!paymentId) return
    if (outcome === 'succeeded') this.books.authorized(paymentId)
    const body = { eventId: crypto.randomUUID(), paymentId, outcome }
    expect((await call('POST', '/v1/payments/test/webhook', { body })).status).toBe(200)
  }

  /** Time passes until nothing is left to do by itself. */
  async settle(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      testClock.advance(PAYMENT_WINDOW_MS + 1)
      await runDurableObjectAlarm(this.#stub())
    }
  }

  async expectWhole(): Promise<void> {
    const { body: cart } = await call('GET', `/v1/carts/${this.cartId}`)
    const { body: levels } = await staff('GET', `/v1/admin/stock/${this.sku}`)
    expect(['completed', 'open', 'expired']).toContain(cart.status)
    if (cart.order) this.orders.add(cart.order.id)
    expect(this.orders.size, 'orders').toBe(cart.status === 'completed' ? 1 : 0)
    expect(levels.allocated, 'allocated').toBe(cart.status === 'completed' ? 2 : 0)
    if (cart.status !== 'completed') {
      expect(this.books.holding(), 'money of no order').toEqual([])
      return
    }
    const { body: order } = await staff('GET', `/v1/admin/orders/${cart.order.id}`)
    expect(order.paymentStatus).toBe('paid')
    expect(this.books.holding(), 'money of one order').toEqual([order.payments[0].id])
    expect(this.books.payments.get(order.payments[0].id)).toBe('captured')
  }

  #stub() {
    return env.PURCHASE.get(env.PURCHASE.idFromName(`default/${parseCartId(this.cartId)!.purchaseId}`))
  }
}

describe('one payment, one order', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
  })
  afterEach(() => {
    testClock.reset()
    vi.restoreAllMocks()
  })

  test('whatever is repeated, lost, late, cut off or run at the same time', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (moves) => {
          const world = new World()
          await world.begin()
          for (const move of moves) await world.take(move)
          await world.settle()
          await world.expectWhole()
        })
        .afterEach(() => {
          testClock.reset()
          vi.restoreAllMocks()
          vi.spyOn(console, 'warn').mockImplementation(() => {})
        }),
      { numRuns: 30 },
    )
  })
})
