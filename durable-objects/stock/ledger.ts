import { type EpochMs, toIso } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import { levelsOnWire } from '../../schema/http/stock.ts'
import type {
  Arrival,
  ItemAvailability,
  Levels,
  Movement,
  MovementType,
  Position,
} from '../../schema/rpc/stock.ts'
import { availableOnOf, bandNow } from './band.ts'
import { applyDeltas, mergeDeltas, newPosition, sum, totalsOf } from './positions.ts'
import { isOnSale } from './sale.ts'
import {
  type Delta,
  deltasOf,
  isBeyondHand,
  type KeptPosition,
  type Place,
  type Share,
  type StockState,
} from './state.ts'

/** One row of the ledger, which is the outbox row, which is the event. */
export interface LedgerRow {
  sequence: number
  /** A ULID: the movement is `mov_` and the event `evt_` before it. */
  ulid: string
  /** Null for what moves nothing: a band crossing, a shortage. */
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
    incoming: sum(state.arrivals, (arrival) => arrival.quantity),
    positions: state.positions.filter(isTold).map(toPosition),
    arrivals: state.arrivals,
    sequence: state.sequence,
  }
}

export function availabilityNow(state: StockState, storeThreshold: number, at: EpochMs): ItemAvailability {
  const { available, backorder } = totalsOf(state, at)
  const isSold = isOnSale(state.policy, at)
  return {
    item: state.item,
    isKnown: state.store !== null,
    available: isSold ? available : 0,
    backorder: isSold ? backorder : 0,
    band: bandNow(state, at, storeThreshold),
    availableOn: availableOnOf(state, at),
    asOf: at,
  }
}

/** The state as it is once overdue holds are over and have given back what they had, whether or not that is written yet. */
export function withoutOverdue(state: StockState, overdue: readonly Share[]): StockState {
  return { ...state, positions: applyDeltas(state.positions, deltasOf(overdue, { reserved: -1 })) }
}

/** The state after deltas, with the named position made or refreshed. */
export function afterDeltas(
  state: StockState,
  deltas: readonly Delta[],
  place: Place | null,
  arrivals: Arrival[] = state.arrivals,
): StockState {
  let { positions } = state
  if (place) {
    const isThere = (p: KeptPosition) => p.location === place.location && p.lot === place.lot
    if (!positions.some(isThere)) positions = [...positions, newPosition(place.location, place.lot)]
    positions = positions.map((p) =>
      isThere(p) ? { ...p, expiresAt: place.expiresAt, priority: place.priority } : p,
    )
  }
  return { ...state, arrivals, positions: applyDeltas(positions, deltas) }
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
    occurredAt: toIso(at),
  }
  const data = JSON.stringify({ movement, levels: levelsOnWire(levelsOf(next, at)) })
  const row = { sequence, ulid, type, eventType: EVENT_OF_MOVEMENT[type], occurredAt: at, data }
  return { state: next, row, movement }
}

/** The row that tells a band crossing which is due. */
export function bandRow(state: StockState, ulid: string, at: EpochMs): { state: StockState; row: LedgerRow } {
  const { item, band: previous } = state
  const current = bandNow(state, at)
  const next = { ...state, band: current, bandAt: at }
  return tellingRow(next, 'stock.availability_changed', { item, previous, current }, ulid, at)
}

/** A row that moves nothing: an event in the item's own sequence, with the levels as they are. */
export function tellingRow(
  state: StockState,
  eventType: EventType,
  facts: object,
  ulid: string,
  at: EpochMs,
): { state: StockState; row: LedgerRow } {
  const sequence = state.sequence + 1
  const next = { ...state, sequence }
  const data = JSON.stringify({ ...facts, levels: levelsOnWire(levelsOf(next, at)) })
  return { state: next, row: { sequence, ulid, type: null, eventType, occurredAt: at, data } }
}

/** The place beyond hand is shown only while something sits there. */
function isTold(position: Position): boolean {
  return !isBeyondHand(position) || position.reserved + position.allocated > 0
}

function toPosition({ priority: _, ...position }: KeptPosition): Position {
  return position
}
