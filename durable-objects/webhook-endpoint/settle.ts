import type { EpochMs } from '../../runtime/clock.ts'
import type { Attempt, DeliveryState, DisabledReason } from '../../schema/rpc/webhook-endpoint.ts'
import { DISABLE_AFTER_MS, nextAttemptAt } from './retry-schedule.ts'
import type { AttemptResult } from './send-attempt.ts'

/** The last 10 tries tell the story of a delivery; older ones say the same. */
export const HISTORY_MAX = 10

export interface Before {
  attempts: number
  history: readonly Attempt[]
  /** Since when the endpoint has only failed; null after a success. */
  failingSince: EpochMs | null
}

export interface After {
  state: DeliveryState
  attempts: number
  history: Attempt[]
  nextAttemptAt: EpochMs | null
  failingSince: EpochMs | null
  /** Set when the endpoint ends with this attempt. */
  disable: DisabledReason | null
}

/** What an attempt makes of its delivery and of its endpoint. Pure: `jitter` is in [0, 1). */
export function settle(before: Before, result: AttemptResult, now: EpochMs, jitter: number): After {
  const { retryAfterMs, ...attempt } = result
  const attempts = before.attempts + 1
  const history = [attempt, ...before.history].slice(0, HISTORY_MAX)
  if (result.error === null) {
    return { state: 'delivered', attempts, history, nextAttemptAt: null, failingSince: null, disable: null }
  }
  const failingSince = before.failingSince ?? now
  const isOver = now - failingSince >= DISABLE_AFTER_MS
  const disable = result.error === 'gone' ? 'gone' : isOver ? 'failing' : null
  // A disabled endpoint's deliveries stay scheduled: whoever brings it back loses nothing.
  const next = nextAttemptAt(attempts, now, jitter, retryAfterMs) ?? (disable ? now : null)
  return {
    state: next === null ? 'dead' : 'pending',
    attempts,
    history,
    nextAttemptAt: next,
    failingSince,
    disable,
  }
}
