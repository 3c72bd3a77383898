import type { EpochMs } from '../../runtime/clock.ts'
import { RENUDGE_AFTER_MS } from '../nudge.ts'

/** A drain that is running looks after itself; if the object dies under it, this brings it back. Longer than an attempt may take. */
export const DRAIN_WATCH_MS = 20_000
/** What is overdue when a drain has ended could not be written down: not at once again, or a full disk becomes a storm. */
export const OVERDUE_PAUSE_MS = 500

export interface AlarmFacts {
  now: EpochMs
  isEnabled: boolean
  isDraining: boolean
  /** When to read the log again after it did not answer. */
  readAgainAt: EpochMs | null
  /** Earliest attempt that is due. */
  nextAttemptAt: EpochMs | null
  hasUnconfirmed: boolean
  /** When a deleted endpoint's storage goes. */
  eraseAt: EpochMs | null
}

/** The one alarm: when next? Null when nothing is waiting. */
export function nextAlarm(facts: AlarmFacts): EpochMs | null {
  const times: (EpochMs | null)[] = [facts.eraseAt]
  if (facts.hasUnconfirmed) times.push(facts.now + RENUDGE_AFTER_MS)
  if (facts.isDraining) times.push(facts.now + DRAIN_WATCH_MS)
  else if (facts.isEnabled) {
    times.push(facts.readAgainAt)
    if (facts.nextAttemptAt !== null) times.push(Math.max(facts.nextAttemptAt, facts.now + OVERDUE_PAUSE_MS))
  }
  const set = times.filter((time) => time !== null)
  return set.length > 0 ? Math.min(...set) : null
}
