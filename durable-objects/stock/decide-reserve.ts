import { type EpochMs, toIso, toIsoOrNull } from '../../runtime/clock.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import type { ReserveCommand, StockPolicy } from '../../schema/rpc/stock.ts'
import { backedUnits } from './cover.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { addShares, giveBack, pick, totalsOf } from './positions.ts'
import { isOnSale } from './sale.ts'
import {
  type Delta,
  deltasOf,
  purchaseMovement,
  type Reservation,
  type Share,
  type StockState,
} from './state.ts'

type Reserved = Decision<{ quantity: number; expiresAt: EpochMs }>

/**
 * Sets the quantity that a purchase holds and until when, all or nothing. `own` is its reservation as it stands
 * (overdue ones already expired).
 */
export function decideReserve(
  state: StockState,
  own: Reservation | null,
  command: ReserveCommand,
  at: EpochMs,
): Reserved {
  const { purchaseId, version, quantity, expiresAt } = command
  assertUnits(quantity, 1)
  const held = own?.state === 'held' ? own : null
  const ok: Reserved = { outcome: { ok: true, quantity, expiresAt } }
  if (held && isRepeat(held, command)) return ok
  if (own?.state === 'allocated' || own?.state === 'fulfilled') {
    return refused(refuse('reservation_ended', 'The units were allocated to an order.'))
  }
  // Also a repeat whose hold has ended meanwhile: the answer never claims a hold that is no more.
  if (own && version <= own.version) {
    return refused(refuse('stale_version', undefined, { version: own.version }))
  }
  if (expiresAt <= at) return refused(refuse('reservation_ended', 'The hold would end before it begins.'))
  const seen = look(state, own, quantity, at)
  if (!seen.ok) return refused(seen)
  const change = reshape(state, held, quantity, at)
  if (!change) return refused(tooFew(quantity, seen.most))
  const reservation: Reservation = {
    purchaseId,
    version,
    state: 'held',
    quantity,
    expiresAt,
    orderId: null,
    shares: change.shares,
    since: held?.since ?? state.sequence + 1,
    commands: own?.commands ?? {},
    endedAt: null,
  }
  if (change.deltas.length === 0) return { ...ok, reservation }
  const movement = {
    ...purchaseMovement('reserve', quantity, { purchaseId, orderId: null }),
    expiresAt: toIso(expiresAt),
  }
  return { ...ok, change: { movement, deltas: change.deltas, reservation, place: null } }
}

/** Whether the owner of a reservation could hold so many units, or why not. */
export function look(
  state: StockState,
  own: Reservation | null,
  quantity: number,
  at: EpochMs,
): Outcome<{ most: number }> {
  const held = own?.state === 'held' ? own.quantity : 0
  if (quantity > held && !isOnSale(state.policy, at)) {
    return refuse('not_on_sale', undefined, saleFacts(state.policy))
  }
  const most = mostFor(state, own, at)
  return quantity <= most ? { ok: true, most } : tooFew(quantity, most)
}

function tooFew(requested: number, available: number): Refusal {
  const facts = { requested, available }
  return refuse('insufficient_stock', `${available} of ${requested} could be held.`, facts)
}

/** The most units that the owner of a reservation could hold: those it has that goods stand behind, and what there is room for. */
export function mostFor(state: StockState, own: Reservation | null, at: EpochMs): number {
  const backed = own?.state === 'held' ? backedUnits(state, own) : 0
  return isOnSale(state.policy, at) ? backed + Math.max(0, totalsOf(state, at).room) : backed
}

function saleFacts({ saleStartsAt, saleEndsAt }: StockPolicy) {
  return { saleStartsAt: toIsoOrNull(saleStartsAt), saleEndsAt: toIsoOrNull(saleEndsAt) }
}

function isRepeat(held: Reservation, { version, quantity, expiresAt }: ReserveCommand): boolean {
  return held.version === version && held.quantity === quantity && held.expiresAt === expiresAt
}

/** The shares of a hold of `quantity` units and how they differ from the hold there is; null when there is no room. */
function reshape(
  state: StockState,
  held: Reservation | null,
  quantity: number,
  at: EpochMs,
): { shares: Share[]; deltas: Delta[] } | null {
  const shares = held?.shares ?? []
  const more = quantity - (held?.quantity ?? 0)
  if (more <= 0) {
    const { kept, given } = giveBack(shares, -more)
    return { shares: kept, deltas: deltasOf(given, { reserved: -1 }) }
  }
  const picked = pick(state, more, at)
  return picked && { shares: addShares(shares, picked), deltas: deltasOf(picked, { reserved: 1 }) }
}
