import type { EpochMs } from '../../runtime/clock.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type { StockStorage } from './storage.ts'

/** Movements that stay when the log has them: the page that staff look at first. */
const MOVEMENTS_KEPT = 100
/** Movements leave in batches, so that the sums are written once for a hundred. */
const PRUNE_BATCH = 100
/** Movements that leave with one confirmation: more than one can confirm. */
const PRUNED_AT_ONCE_MAX = 1_000
/** Reservations looked at for each batch of movements: each movement begins one at most. */
const FORGET_BATCH = 2 * PRUNED_AT_ONCE_MAX
/** An ended reservation answers repeats and fences off late commands for as long as idempotency keys are kept. */
const ENDED_KEPT_MS = IDEMPOTENCY_KEPT_MS

/** What the log has leaves the object, but for the last page: it stays small for ever. */
export function prune(storage: StockStorage, at: EpochMs): void {
  const { confirmed, prunedSequence } = storage.watermarks()
  const upTo = confirmed - MOVEMENTS_KEPT
  if (upTo - prunedSequence < PRUNE_BATCH) return
  storage.prune(upTo, PRUNED_AT_ONCE_MAX, at - ENDED_KEPT_MS, FORGET_BATCH)
}
