import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import { levelsOnWire } from '../../schema/http/stock.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { ItemAvailability, Levels, Movement, MovementType, Position } from '../../schema/rpc/stock.ts'
import { bandNow } from './band.ts'
import { decideExpire } from './decide-expire.ts'
import { applyDeltas, mergeDeltas, newPosition, totalsOf } from './positions.ts'
import { type Delta, isBeyondHand, type KeptPosition, type Reservation, type StockState } from './state.ts'

/** One row of the ledger, which is the outbox row, which is the event. */
export interface LedgerRow {
  sequence: number
  /** A ULID: the movement is `mov_` and the event `evt_` before it. */
  ulid: string
  /** Null for `stock.availability_changed`, which moves nothing. */
  type: MovementType | null
  eventType: EventType
  occurredAt: EpochMs
  /** The event's data as JSON text. */
  data: string
}

/** What each movement is called when it is told. */
export const EVENT_OF_MOVEMENT = {
  reserve: 'stock.reserved',
  release: 'stock.released',
  expire: 'stock.expired',
  allocate: 'stock.allocated',
  deallocate: 'stock.deallocated',
  fulfill: 'stock.fulfilled',
  receive: 'stock.received',
  adjust: 'stock.adjusted',
  count: 'stock.counted',
  transfer: 'stock.transferred',
  return: 'stock.returned',
} as const satisfies Record<MovementType, EventType>

/** The levels as objects and API hand them out. */
export function levelsOf(state: StockState, at: EpochMs): Levels {
  const { onHand, reserved, allocated, safetyStock, available } = totalsOf(state, at)
  return {
    item: state.item,
    onHand,
    reserved,
    allocated,
    safetyStock,
    available,
    backorderLimit: state.policy.backorderLimit,
    positions: state.positions.filter(isTold).map(toPosition),
    sequence: state.sequence,
  }
}

export function availabilityNow(state: StockState, storeThreshold: number, at: EpochMs): ItemAvailability {
  const { available, backorder } = totalsOf(state, at)
  return {
    item: state.item,
    isKnown: state.store !== null,
    available,
    backorder,
    band: bandNow(state, at, storeThreshold),
    availableOn: state.policy.availableOn,
    asOf: at,
  }
}

/** The state as it is once overdue holds are over, whether or not that is written yet. */
export function withoutOverdue(state: StockState, overdue: readonly Reservation[]): StockState {
  const deltas = overdue.flatMap((reservation) => decideExpire(reservation).deltas)
  return { ...state, positions: applyDeltas(state.positions, deltas) }
}

/** The state after deltas, with the named position made or refreshed. */
export function afterDeltas(
  state: StockState,
  deltas: readonly Delta[],
  place: { location: string; lot: string; expiresAt: EpochMs | null; priority: number } | null,
): StockState {
  let { positions } = state
  if (place) {
    const isThere = (p: KeptPosition) => p.location === place.location && p.lot === place.lot
    if (!positions.some(isThere)) positions = [...positions, newPosition(place.location, place.lot)]
    positions = positions.map((p) =>
      isThere(p) ? { ...p, expiresAt: place.expiresAt, priority: place.priority } : p,
    )
  }
  return { ...state, positions: applyDeltas(positions, deltas) }
}

/** Numbers a movement and writes down what it left: `state` already has its deltas. */
export function movementRow(
  state: StockState,
  draft: Omit<Movement, 'id' | 'sequence' | 'occurredAt'>,
  ulid: string,
  at: EpochMs,
): { state: StockState; row: LedgerRow; movement: Movement } {
  const sequence = state.sequence + 1
  const next = { ...state, sequence }
  const { type, quantity, deltas, ...rest } = draft
  const movement: Movement = {
    id: `mov_${ulid}`,
    sequence,
    type,
    quantity,
    deltas: mergeDeltas(deltas),
    ...rest,
    occurredAt: new Date(at).toISOString(),
  }
  const data = JSON.stringify({ movement, levels: levelsOnWire(levelsOf(next, at)) })
  const row = { sequence, ulid, type, eventType: EVENT_OF_MOVEMENT[type], occurredAt: at, data }
  return { state: next, row, movement }
}

/** The row that tells a band crossing; null while the announced band is still true. */
export function bandRow(
  state: StockState,
  ulid: string,
  at: EpochMs,
): { state: StockState; row: LedgerRow } | null {
  const current = bandNow(state, at)
  const previous: Band = state.band
  if (current === previous) return null
  const sequence = state.sequence + 1
  const next = { ...state, sequence, band: current }
  const data = JSON.stringify({
    item: state.item,
    previous,
    current,
    levels: levelsOnWire(levelsOf(next, at)),
  })
  const eventType = 'stock.availability_changed' as const
  return { state: next, row: { sequence, ulid, type: null, eventType, occurredAt: at, data } }
}

/**
 * Promise 1 as an assertion, before anything is written: a bug stops here and leaves no trace. Goods lost after the
 * promise may leave less than was promised, so the bound is asked only of what promises more.
 */
export function assertSound(before: StockState, after: StockState, at: EpochMs): void {
  for (const { location, lot, onHand, reserved, allocated } of after.positions) {
    if (onHand < 0 || reserved < 0 || allocated < 0) {
      throw new Error(`position ${location}/${lot} would be negative: ${onHand}, ${reserved}, ${allocated}`)
    }
  }
  const [was, is] = [totalsOf(before, at), totalsOf(after, at)]
  const isGrant = is.reserved + is.allocated > was.reserved + was.allocated
  if (isGrant && is.room < 0) throw new Error(`promised ${-is.room} units more than there is room for`)
}

/** The place beyond hand is shown only while something sits there. */
function isTold(position: Position): boolean {
  return !isBeyondHand(position) || position.reserved + position.allocated > 0
}

function toPosition({ priority: _, ...position }: KeptPosition): Position {
  return position
}
