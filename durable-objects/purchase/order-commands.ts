import { now } from '../../runtime/clock.ts'
import { isSameSecret } from '../../runtime/digest.ts'
import { log } from '../../runtime/log.ts'
import type { Order } from '../../schema/http/order.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type { CancelCommand, PendingEffect } from '../../schema/rpc/purchase.ts'
import { cancelOrder, recordRefunded } from './cancel-order.ts'
import { EFFECT_TRIES_UNTIL_ALARM, retryLater, withoutEffect } from './effects.ts'
import { permits } from './order-states.ts'
import { capturePayment } from './place-order.ts'
import type { PurchaseRecord } from './record.ts'
import type { Change, Effect, PurchaseState } from './state.ts'

/** What happens to a purchase once it is an order. */
export class OrderCommands {
  readonly #record: PurchaseRecord

  constructor(record: PurchaseRecord) {
    this.#record = record
  }

  /** Never with the token: who asks with one has it, and staff need none. */
  async view(token: string | null): Promise<Outcome<{ order: Order }>> {
    const { state } = this.#record
    if (!state?.order) return refuse('order_not_found')
    if (token !== null && !(await isSameSecret(token, state.orderToken!))) return refuse('order_not_found')
    return { ok: true, order: state.order }
  }

  cancel(command: CancelCommand): Outcome<{ order: Order; isReplay: boolean }> {
    const { state } = this.#record
    if (!state?.order) return refuse('order_not_found')
    const at = now()
    const { idempotency } = command
    const replay = this.#record.storage.replay<{ order: Order }>(idempotency, at)
    if (replay) return replay
    const { expectedVersion } = command
    if (expectedVersion !== null && expectedVersion !== state.order.version) {
      return refuse('precondition_failed', undefined, { version: state.order.version })
    }
    if (state.attempt?.stage === 'capturing') {
      return refuse('order_state_conflict', 'The payment is being captured; repeat in a moment.')
    }
    const keep = (answer: Outcome<{ order: Order }>) => (storage: PurchaseRecord['storage']) =>
      storage.keep(idempotency, answer, at, at + IDEMPOTENCY_KEPT_MS)
    if (!permits(state.order, 'cancel')) {
      const { status, fulfillmentStatus } = state.order
      const refusal = refuse('order_state_conflict', undefined, { status, fulfillmentStatus })
      this.#record.write(keep(refusal))
      return refusal
    }
    const change = cancelOrder({ ...state, settings: command.settings }, command.reason, at)
    const { order } = change.state
    this.#record.commit(change, keep({ ok: true, order: order! }))
    return { ok: true, order: order!, isReplay: false }
  }

  effects(): PendingEffect[] {
    return (this.#record.state?.effects ?? []).map(({ id, do: what, request }) => ({ id, do: what, request }))
  }

  /** A settled effect is gone, so a repeat finds nothing to do. */
  settleEffect(id: string, isDone: boolean): void {
    const { state } = this.#record
    const effect = state?.effects.find((other) => other.id === id)
    if (!state || !effect) return
    this.#record.commit(isDone ? settled(state, effect) : postponed(state, effect))
  }
}

function settled(state: PurchaseState, effect: Effect): Change {
  const rest = withoutEffect(state, effect.id)
  const payment = state.order?.payments.find(({ id }) => id === effect.request.paymentId)
  // The payment of an attempt that failed: given back, nothing else to tell.
  if (!payment) return { state: rest }
  return effect.do === 'capture' ? capturePayment(rest, payment.id) : recordRefunded(rest, payment.id, now())
}

function postponed(state: PurchaseState, effect: Effect): Change {
  const later = retryLater(effect, now())
  if (later.tries >= EFFECT_TRIES_UNTIL_ALARM) {
    log('error', 'an effect at the payment provider keeps failing', {
      store: state.settings.store.slug,
      purchaseId: state.purchaseId,
      effect: effect.id,
      tries: later.tries,
    })
  }
  return {
    state: { ...state, effects: state.effects.map((other) => (other.id === effect.id ? later : other)) },
  }
}
