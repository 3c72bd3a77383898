import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS, type IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type {
  ArrivalCommand,
  Levels,
  MoveAnswer,
  MoveCommand,
  PositionSafety,
  ReclaimCommand,
  StockPolicy,
  StockRpc,
} from '../../schema/rpc/stock.ts'
import { announced } from './arrivals.ts'
import type { Book } from './book.ts'
import { decideMove, POSITIONS_MAX } from './decide-move.ts'
import { decideReclaim } from './decide-reclaim.ts'
import { decideDispatch, decideReceipt } from './decide-transfer.ts'
import type { Decision } from './decision.ts'
import { levelsOf } from './ledger.ts'
import { withSafety } from './positions.ts'
import type { StockStorage } from './storage.ts'

/** Goods come, go, are counted or travel. */
export function move(storage: StockStorage, book: Book, command: MoveCommand): Outcome<MoveAnswer> {
  return once(storage, book, command.idempotency, () => decide(book, command))
}

function decide({ state, at }: Book, command: MoveCommand): Decision<object> {
  if (command.type === 'dispatch') return decideDispatch(state, command, at)
  return command.type === 'receipt' ? decideReceipt(state, command, at) : decideMove(state, command, at)
}

/** Units that no order has are given back. */
export function reclaim(storage: StockStorage, book: Book, command: ReclaimCommand): Outcome<MoveAnswer> {
  return once(storage, book, command.idempotency, () =>
    decideReclaim(storage.reservation(command.purchaseId), command, book.at),
  )
}

/** Carries out what staff do once for each key, and keeps the answer with it. */
function once(
  storage: StockStorage,
  book: Book,
  { key, fingerprint }: IdempotencyStamp,
  decide: () => Decision<object>,
): Outcome<MoveAnswer> {
  const known = storage.command(key, book.at)
  if (known && known.fingerprint !== fingerprint) return refuse('idempotency_key_reused')
  if (known) return asReplay(JSON.parse(known.answer) as Outcome<MoveAnswer>)
  const { outcome, change, and } = decide()
  // "Not now" is no answer to keep.
  if (!outcome.ok && outcome.code === 'checkout_in_progress') return outcome
  const own = change?.reservation && storage.reservation(change.reservation.purchaseId)
  const movement = change && book.enter(change, own)
  if (and) book.enter(and)
  book.announce()
  const levels = levelsOf(book.state, book.at)
  const answer: Outcome<MoveAnswer> = movement
    ? { ok: true, movement, levels, isReplay: false }
    : (outcome as Outcome<never>)
  const kept = { fingerprint, answer: JSON.stringify(answer) }
  storage.saveCommand(key, kept, book.at, book.at + IDEMPOTENCY_KEPT_MS)
  return answer
}

function asReplay(outcome: Outcome<MoveAnswer>): Outcome<MoveAnswer> {
  return { ...outcome, isReplay: true }
}

/** What a supplier will bring. */
export function setArrival(book: Book, command: ArrivalCommand): Outcome<{ levels: Levels }> {
  const next = announced(book.state.arrivals, command)
  if (!Array.isArray(next)) return next
  book.setArrivals(next)
  return { ok: true, levels: levelsOf(book.state, book.at) }
}

/** How the item is sold, and what its positions keep safe. */
export function setPolicy(
  book: Book,
  { policy, positions: named }: Parameters<StockRpc['setPolicy']>[0],
): Outcome<{ policy: StockPolicy; levels: Levels }> {
  const before = book.state.positions
  // While a deployment is under way, a worker of the version before knows of no positions: they keep what they have.
  const positions = (named as PositionSafety[] | undefined) ? withSafety(before, named) : before
  if (positions.length > Math.max(POSITIONS_MAX, before.length)) {
    return refuse('stock_conflict', undefined, { limit: POSITIONS_MAX })
  }
  book.setPolicy(policy, positions)
  book.announce()
  return { ok: true, policy: book.state.policy, levels: levelsOf(book.state, book.at) }
}
