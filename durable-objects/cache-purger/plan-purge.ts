import type { EpochMs } from '../../runtime/clock.ts'

/** The account's limit: 5 purge calls a minute, 25 at once, 100 tags each (Workers Cache, limitations). One call in hand is left to people. */
export const TAGS_PER_CALL = 100
const CALLS_MAX = 24
const REFILL_MS = 12_000

/** Calls in hand at an instant. */
export interface Bucket {
  calls: number
  at: EpochMs
}

export const FULL: Bucket = { calls: CALLS_MAX, at: 0 }

export function refill(bucket: Bucket, now: EpochMs): Bucket {
  const calls = Math.min(CALLS_MAX, bucket.calls + Math.max(0, now - bucket.at) / REFILL_MS)
  return { calls, at: now }
}

/**
 * The calls to make for these tags; null when there is not enough in hand yet. Too many tags for the calls in hand: each
 * becomes its store's parent tag `{store}`, which every answer of the store carries.
 */
export function planPurge(tags: readonly string[], bucket: Bucket): string[][] | null {
  const callsMax = Math.floor(bucket.calls)
  const unique = [...new Set(tags)]
  const parents = [...new Set(unique.map((tag) => tag.slice(0, tag.indexOf(':'))))]
  for (const choice of [unique, parents]) {
    const calls = chunksOf(choice)
    if (calls.length <= callsMax) return calls
  }
  return null
}

/** When one call more is in hand. */
export function refilledAt(bucket: Bucket): EpochMs {
  return bucket.at + Math.ceil((Math.floor(bucket.calls) + 1 - bucket.calls) * REFILL_MS)
}

function chunksOf(tags: string[]): string[][] {
  const chunks: string[][] = []
  for (let i = 0; i < tags.length; i += TAGS_PER_CALL) chunks.push(tags.slice(i, i + TAGS_PER_CALL))
  return chunks
}
