import { type EpochMs, now } from '../../runtime/clock.ts'
import { randomToken } from '../../runtime/random.ts'
import { orderId, parsePaymentId } from '../../schema/ids.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import {
  type BeginCheckoutCommand,
  type CheckoutAnswer,
  type CheckoutStep,
  LEASE_MS,
  type Lease,
  PAYMENT_WINDOW_MS,
} from '../../schema/rpc/purchase.ts'
import { endWindow, fail, giveUp, held, notePayment, stepOf, undo } from './attempt.ts'
import { beginAttempt, whyNotAtAll, whyNotNow } from './begin-checkout.ts'
import { allSupplies, demandOf, type Need, supplyKey } from './demand.ts'
import { withEffect } from './effects.ts'
import { checkoutHoldUntil } from './hold-limits.ts'
import { holdAsCart, holdForCheckout } from './hold-lines.ts'
import { orderNumber, place } from './place-order.ts'
import type { PurchaseRecord } from './record.ts'
import { refuseHold, type SupplyRefusals } from './refuse-hold.ts'
import { type AttemptStage, type Change, isRunning, type PurchaseState } from './state.ts'
import type { StockHolds } from './stock-holds.ts'

/** 26 characters of 5 bits: 130 random bits, as the cart's secret has. */
const ORDER_TOKEN_LENGTH = 26

type StepOutcome = Outcome<{ step: CheckoutStep }>

/** The checkout, step by step. Each method runs alone: the object queues them. */
export class CheckoutCommands {
  readonly #record: PurchaseRecord
  readonly #stock: StockHolds

  constructor(record: PurchaseRecord, stock: StockHolds) {
    this.#record = record
    this.#stock = stock
    // This stage is written down before anything is asked for, so here a cut is known of: what was granted may be unknown.
    if (record.state?.attempt?.stage === 'holding') stock.heard.doubt(allSupplies(record.state).values())
  }

  begin(
    state: PurchaseState,
    command: BeginCheckoutCommand,
  ): Outcome<{ attempt: number; isReplay: boolean }> {
    const at = now()
    const { key, fingerprint } = command.idempotency
    const known = this.#record.storage.attemptOfKey(key, at)
    if (known) {
      if (known.fingerprint !== fingerprint) return refuse('idempotency_key_reused')
      return { ok: true, attempt: known.number, isReplay: true }
    }
    const busy = whyNotNow(state)
    if (busy) return busy
    const number = this.#record.storage.lastAttempt() + 1
    const refusal = whyNotAtAll(state)
    this.#record.commit(
      refusal
        ? { state, answer: { attempt: number, answer: { kind: 'refused', refusal }, isKept: true } }
        : { state: beginAttempt(state, command, number, at) },
      (storage) => storage.writeAttempt(number, key, fingerprint, at, at + IDEMPOTENCY_KEPT_MS),
    )
    return refusal ?? { ok: true, attempt: number, isReplay: false }
  }

  take(wanted: number | null): Outcome<{ lease: Lease; step: CheckoutStep }> {
    const { state } = this.#record
    const current = state?.attempt ?? null
    const number = wanted ?? current?.number ?? 0
    if (!state || !current || current.number !== number) return this.#takeSettled(number)
    const at = now()
    if (isRunning(current)) {
      if (current.leaseUntil > at) return refuse('lease_lost', undefined, { retryAt: current.leaseUntil })
      const isStuck = current.stage === 'repricing' || current.stage === 'holding'
      if (isStuck && at > current.begunAt + PAYMENT_WINDOW_MS) this.#record.commit(giveUp(state, at))
    } else if (current.stage === 'waiting' && at >= current.windowEndsAt!) {
      this.#record.commit(endWindow(state, at))
    }
    return this.#lease(this.#record.state!, at)
  }

  #lease(state: PurchaseState, at: EpochMs): Outcome<{ lease: Lease; step: CheckoutStep }> {
    const attempt = state.attempt!
    const isLeased = isRunning(attempt)
    const fence = isLeased ? attempt.fence + 1 : attempt.fence
    if (isLeased) {
      this.#record.commit({ state: { ...state, attempt: { ...attempt, fence, leaseUntil: at + LEASE_MS } } })
    }
    return { ok: true, lease: { attempt: attempt.number, fence }, step: this.#step() }
  }

  /** An attempt that is not the present one has nothing left to do. */
  #takeSettled(number: number): Outcome<{ lease: Lease; step: CheckoutStep }> {
    const answer = this.answer(number)
    if (!answer) return refuse('lease_lost', 'There is no such attempt.')
    return { ok: true, lease: { attempt: number, fence: 0 }, step: { do: 'finished', answer } }
  }

  answer(attempt: number): CheckoutAnswer | null {
    return this.#record.storage.attempt(attempt)?.answer ?? null
  }

  /**
   * One recorded step under the fence. A repeat of a step that is done changes nothing and hears what is next; a failed
   * attempt sets its holds back to the cart's time.
   */
  async step(
    lease: Lease,
    stage: AttemptStage,
    decide: (state: PurchaseState, at: EpochMs) => Change | Refusal | Promise<Change | Refusal>,
  ): Promise<StepOutcome> {
    const { state } = this.#record
    const attempt = state?.attempt
    if (!attempt || attempt.number !== lease.attempt || attempt.fence !== lease.fence) {
      return refuse('lease_lost')
    }
    if (attempt.stage === stage) {
      const decided = await decide(state, now())
      if ('ok' in decided) return decided
      this.#record.commit(decided)
      await this.settle()
    }
    return { ok: true, step: this.#step() }
  }

  #step(): CheckoutStep {
    const state = this.#record.state!
    return stepOf(state, this.answer(state.attempt!.number))
  }

  /**
   * After the commit, and from the alarm where a crash came in between: a failed attempt keeps no units longer than a
   * cart may, and owes none to Stock.
   */
  async settle(): Promise<void> {
    await this.deallocate()
    const { state } = this.#record
    if (!state?.attempt?.hasLongHolds || state.status !== 'open') return
    const settled = await holdAsCart(this.#stock, this.#record.holdContext(state), state, now())
    this.#record.commit({ state: { ...settled, attempt: { ...state.attempt, hasLongHolds: false } } })
  }

  /** Step `hold`: every item until after the payment window, or the attempt fails and the cart is as it was. */
  async hold(at: EpochMs): Promise<Change | Refusal> {
    // Giving back for an attempt that failed must come before allocating again, or it would take the new allocation.
    await this.deallocate()
    const settled = this.#record.state!
    if (settled.deallocations.length > 0) return refuse('unavailable', 'Stock did not answer.')
    const decided = await holdForCheckout(this.#stock, this.#record.holdContext(settled), settled, at)
    if (decided.ok) return held(decided.state, at)
    if (decided.code === 'unavailable') return decided
    return fail({ ...settled, holds: this.#stock.heard.correct(settled.holds, at) }, decided, at)
  }

  /** Step `place`: allocate everything, holding again what has ended; then order and event in one transaction. */
  async place(state: PurchaseState, at: EpochMs): Promise<Change | Refusal> {
    const context = this.#record.holdContext(state)
    const id = orderId(state.purchaseId)
    const demand = [...demandOf(state).values()]
    const verdicts = await this.#stock.allocate(context, id, demand)
    const ended = demand.filter((need) => verdicts.get(supplyKey(need)) === 'ended')
    if (ended.length > 0 && ![...verdicts.values()].includes('weather')) {
      const expiresAt = checkoutHoldUntil(at)
      const again = ended.map((need) => ({ ...need, expiresAt, before: { quantity: 0, expiresAt: 0 } }))
      const verdict = await this.#stock.change(context, again)
      if (verdict.kind === 'refused') {
        // Such a hold may live on without goods behind it.
        await this.#stock.settle(
          context,
          ended.map((need) => ({ ...need, quantity: 0, expiresAt: 0 })),
        )
        const allocated = demand.filter((need) => verdicts.get(supplyKey(need)) === 'allocated')
        return takeBack(state, verdict.refusals, allocated, at)
      }
      if (verdict.kind === 'weather') return refuse('unavailable', 'Stock did not answer.')
      for (const [key, result] of await this.#stock.allocate(context, id, ended)) verdicts.set(key, result)
    }
    // The attempt stays where it is: the next runner allocates what is missing, and again what is there, which is once.
    if ([...verdicts.values()].some((verdict) => verdict !== 'allocated')) {
      return refuse('unavailable', 'Stock did not answer.')
    }
    const number = await orderNumber(state.settings.store.slug, state.purchaseId)
    return place(state, number, randomToken(ORDER_TOKEN_LENGTH), at)
  }

  /** Tells Stock what it still has to take back; what it does not hear stays for the alarm. */
  async deallocate(): Promise<void> {
    const { state } = this.#record
    if (!state || state.deallocations.length === 0) return
    const context = this.#record.holdContext(state)
    const left = await this.#stock.deallocate(context, orderId(state.purchaseId), state.deallocations)
    if (left.length < state.deallocations.length) {
      this.#record.commit({ state: { ...state, deallocations: left } })
    }
  }

  /** A verified notification. Late money, for an attempt that is over, is given back by itself. */
  async note({
    provider,
    paymentId,
    outcome,
  }: {
    provider: string
    paymentId: string
    outcome: 'succeeded' | 'failed'
  }): Promise<Outcome<{ attempt: number }>> {
    const { state } = this.#record
    const number = parsePaymentId(paymentId)?.attempt ?? 0
    const payment = this.#record.storage.attempt(number)?.payment
    if (!state || !payment || payment.paymentId !== paymentId || payment.provider !== provider) {
      return refuse('payment_not_found')
    }
    const at = now()
    const attempt = state.attempt!
    if (attempt.number === number && attempt.stage !== 'failed') {
      const change = notePayment(state, outcome, at)
      if (change) this.#record.commit(change)
      await this.settle()
    } else if (outcome === 'succeeded' && attempt.previous?.paymentId !== paymentId) {
      this.#record.commit({ state: withEffect(state, 'undo', payment, at) })
    }
    return { ok: true, attempt: number }
  }
}

/** Not everything is there any more: the payment is given back, and what was allocated too. */
function takeBack(
  state: PurchaseState,
  refusals: SupplyRefusals,
  allocated: readonly Need[],
  at: EpochMs,
): Change {
  const attempt = state.attempt!
  const commandId = `${orderId(state.purchaseId)}/attempt/${attempt.number}`
  const due = allocated.map(({ kind, item, quantity }) => ({ kind, item, quantity, commandId }))
  const short: PurchaseState = { ...state, holds: [], deallocations: [...state.deallocations, ...due] }
  const skus = new Set(state.lines.map(({ facts }) => facts.sku))
  const refusal = refuseHold(state, skus, refusals)
  return attempt.windowEndsAt === null ? fail(short, refusal, at) : undo(short, refusal, at)
}
