import type { EpochMs } from '../../runtime/clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * The pause after each failed attempt; after the last one the delivery is dead. About 76 hours in all, so that a
 * partner who breaks on Friday evening is whole on Monday. The steps are those of Standard Webhooks 1.0.0 ("Deliverability
 * and reliability"), with a quicker first retry and a longer end.
 */
export const RETRY_PAUSES_MS = [
  SECOND,
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const

export const ATTEMPTS_MAX = RETRY_PAUSES_MS.length + 1

/** A receiver may ask for a later retry (429, 503 with Retry-After), but not for so long that it stops the schedule. */
export const RETRY_AFTER_MAX_MS = HOUR

/** Five days of nothing but failures: nobody listens any more. */
export const DISABLE_AFTER_MS = 5 * 24 * HOUR

/**
 * When to try again after `attempts` failures; null when that was the last. `jitter` is in [0, 1): the first pause is
 * 1 to 2 s, the others up to a fifth longer, so that the deliveries a broken receiver piled up do not return as one wave.
 */
export function nextAttemptAt(
  attempts: number,
  now: EpochMs,
  jitter: number,
  retryAfterMs: number | null,
): EpochMs | null {
  const pause = RETRY_PAUSES_MS[attempts - 1]
  if (pause === undefined) return null
  const spread = attempts === 1 ? pause : pause / 5
  const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS)
  return now + Math.max(Math.floor(pause + spread * jitter), asked)
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3); null when absent or unreadable. */
export function parseRetryAfter(header: string | null, now: EpochMs): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND
  // HTTP dates end in GMT; left alone, Date.parse takes "-5" for a year.
  const at = header.endsWith('GMT') ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
