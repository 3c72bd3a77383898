import { type EpochMs, toIso } from '../../runtime/clock.ts'
import { log } from '../../runtime/log.ts'
import { undoDone } from './cancel-order.ts'
import { captureDone } from './capture-order.ts'
import { EFFECT_TRIES_UNTIL_ALARM, retryLater, withoutEffect } from './effects.ts'
import { recordRefund } from './refund-order.ts'
import type { Change, Effect, PurchaseState } from './state.ts'
import { toldInTimeline } from './timeline.ts'

/** The provider has done it. */
export function effectDone(state: PurchaseState, effect: Effect, at: EpochMs): Change {
  const rest = withoutEffect(state, effect.id)
  const payment = state.order?.payments.find(({ id }) => id === effect.request.paymentId)
  // The payment of an attempt that failed: given back, nothing else to tell.
  if (!payment) return { state: withStuckTold(state, rest) }
  const entry = { at: toIso(at), actor: 'provider' }
  switch (effect.do) {
    case 'capture': {
      const change = captureDone(rest, payment.id, effect.request.amount)
      return toldInTimeline(change, { ...entry, what: 'captured', subject: payment.id })
    }
    case 'undo': {
      const change = undoDone(rest, payment.id, at)
      const what = change.events?.length ? 'refunded' : 'voided'
      return toldInTimeline(change, { ...entry, what, subject: payment.id })
    }
    case 'refund': {
      const change = recordRefund(rest, effect.id)
      return toldInTimeline(change, { ...entry, what: 'refunded', subject: effect.id })
    }
  }
}

/** It did not; it is tried again later, and a person hears of it when that goes on. */
export function effectFailed(state: PurchaseState, effect: Effect, at: EpochMs): Change {
  const later = retryLater(effect, at)
  if (isStuck(later)) {
    log('error', 'an effect at the payment provider keeps failing', {
      store: state.settings.store.slug,
      purchaseId: state.purchaseId,
      effect: effect.id,
      tries: later.tries,
    })
  }
  const effects = state.effects.map((other) => (other.id === effect.id ? later : other))
  return { state: withStuckTold(state, { ...state, effects }) }
}

const isStuck = ({ tries }: { tries: number }) => tries >= EFFECT_TRIES_UNTIL_ALARM

/** Effects of the order that a person should look at; they are tried again all the same. */
export function stuckEffects({ effects, stockEffects }: PurchaseState): { effect: string; what: string }[] {
  return [
    ...effects.filter(isStuck).map(({ id, do: what }) => ({ effect: id, what })),
    ...stockEffects.filter(isStuck).map(({ id, item, do: what }) => ({ effect: `${id}/${item}`, what })),
  ]
}

/** The record hears of an order by its version, so what it shows to staff beside the order makes one too. */
export function withStuckTold(before: PurchaseState, after: PurchaseState): PurchaseState {
  const { order } = after
  if (!order || order.version !== before.order?.version) return after
  const isSame = JSON.stringify(stuckEffects(before)) === JSON.stringify(stuckEffects(after))
  if (isSame && order === before.order) return after
  const wasStuck = stuckEffects(after).length > 0 && { wasStuck: true as const }
  return { ...after, ...wasStuck, order: { ...order, version: order.version + 1 } }
}
