import type { EpochMs } from '../../runtime/clock.ts'
import { RENUDGE_AFTER_MS } from '../nudge.ts'

/** A relay that is down for long is asked once a minute: a lost minute then costs nobody anything more. */
export const RENUDGE_PAUSE_MAX_MS = 60_000

export interface Waiting {
  /** When the first live hold ends. */
  holdEndsAt: EpochMs | null
  /** When the first lot with goods stops counting. */
  lotEndsAt: EpochMs | null
  /** When the sale begins or ends. */
  saleEdgeAt: EpochMs | null
  /** When a band crossing that came too soon is told. */
  bandDueAt: EpochMs | null
  /** True while an event or document is not confirmed by the relay. */
  isUnconfirmed: boolean
  /** When the relay was last nudged, or the oldest unconfirmed change was made. */
  nudgedAt: EpochMs
  /** Nudges by alarm since the relay last confirmed. */
  nudgesInVain: number
}

/** When the object must wake next; null leaves it asleep. */
export function nextAlarm(waiting: Waiting): EpochMs | null {
  const renudgeAt = waiting.isUnconfirmed ? waiting.nudgedAt + renudgePauseMs(waiting.nudgesInVain) : null
  const { holdEndsAt, lotEndsAt, saleEdgeAt, bandDueAt } = waiting
  const instants = [holdEndsAt, lotEndsAt, saleEdgeAt, bandDueAt, renudgeAt].filter((at) => at !== null)
  return instants.length === 0 ? null : Math.min(...instants)
}

/** 5, 10, 20, 40, 60, 60, ... seconds. */
export function renudgePauseMs(nudgesInVain: number): number {
  return Math.min(RENUDGE_PAUSE_MAX_MS, RENUDGE_AFTER_MS * 2 ** Math.min(nudgesInVain, 10))
}
