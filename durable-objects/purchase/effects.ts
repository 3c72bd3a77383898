import type { EpochMs } from '../../runtime/clock.ts'
import { captureRequest, undoRequest } from './payment-request.ts'
import type { Effect, PaymentRef, PurchaseState } from './state.ts'

/** First retry of an effect outside; each next waits twice as long. */
export const EFFECT_RETRY_FIRST_MS = 5_000
/** An hour: a provider that is down for a day is asked some 30 times. */
const EFFECT_RETRY_MAX_MS = 3_600_000
/** From here on a person should look: it has failed for more than an hour. The retries go on. */
export const EFFECT_TRIES_UNTIL_ALARM = 10

/** Writes an effect down, once, to be tried at `nextAt`: its id names the payment and what is to be done with it. */
export function withEffect(
  state: PurchaseState,
  kind: 'capture' | 'undo',
  payment: PaymentRef,
  nextAt: EpochMs,
): PurchaseState {
  const id = `${payment.paymentId}.${kind}`
  if (state.effects.some((effect) => effect.id === id)) return state
  const request = kind === 'capture' ? captureRequest(payment) : undoRequest(payment)
  return { ...state, effects: [...state.effects, { id, do: kind, request, tries: 0, nextAt }] }
}

/** The first effect of each payment: what comes later relies on what comes before, a refund on its capture. */
export function firstEffects(effects: readonly Effect[]): Effect[] {
  const seen = new Set<string>()
  return effects.filter(({ request: { paymentId } }) => !seen.has(paymentId) && seen.add(paymentId))
}

export function withoutEffect(state: PurchaseState, id: string): PurchaseState {
  return { ...state, effects: state.effects.filter((effect) => effect.id !== id) }
}

/** After a failed try: the same effect, later. */
export function retryLater<T extends { tries: number; nextAt: EpochMs }>(effect: T, at: EpochMs): T {
  const waitMs = Math.min(EFFECT_RETRY_MAX_MS, EFFECT_RETRY_FIRST_MS * 2 ** effect.tries)
  return { ...effect, tries: effect.tries + 1, nextAt: at + waitMs }
}
