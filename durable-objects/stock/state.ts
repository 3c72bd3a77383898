import type { EpochMs } from '../../runtime/clock.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { Arrival, Movement, MovementType, Position, StockPolicy, Taken } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** A position as the object keeps it: with the priority of its location, lower gives first. */
export interface KeptPosition extends Position {
  priority: number
}

/**
 * Where units promised beyond hand sit: a position without a place and with nothing on hand, whose capacity is the
 * policy's `backorderLimit`. Goods that come free elsewhere cover it, oldest promise first.
 */
export const BEYOND_HAND = { location: '', lot: '' } as const

export function isBeyondHand(place: { location: string; lot: string }): boolean {
  return place.location === BEYOND_HAND.location && place.lot === BEYOND_HAND.lot
}

/** Everything a decision may look at, besides the one reservation it is about. */
export interface StockState {
  item: string
  /** Null until the first movement or policy: reads of such an item answer "unknown". */
  store: StoreRef | null
  positions: KeptPosition[]
  arrivals: Arrival[]
  policy: StockPolicy
  /** The store's band threshold as last sent along, for alarms, which have no caller. */
  storeLowStockThreshold: number
  /** The band that was last announced, and when. */
  band: Band
  bandAt: EpochMs
  /** Number of the last row of the ledger. */
  sequence: number
  /** Counts changes that have no event (policy, arrivals): the document is newer though the sequence is not. */
  policyVersion: number
}

/** Units of one promise at one position. */
export type Share = Taken

/**
 * The one reservation of a purchase. Ended ones are kept for a while: they answer repeats and fence off commands that
 * were overtaken.
 */
export interface Reservation {
  purchaseId: string
  version: number
  state: 'held' | 'allocated' | 'released' | 'expired' | 'fulfilled'
  /** Units promised now; 0 once it has ended. */
  quantity: number
  /** When the hold ends (ended) by itself; null for a release that came before its reserve. */
  expiresAt: EpochMs | null
  orderId: string | null
  shares: Share[]
  /** Sequence of the movement that made this hold: its age, for covering the oldest first. */
  since: number
  /** Deallocations and fulfillments already done, by their ids, with what they took. */
  commands: Record<string, Share[]>
  /** Null while it lives. */
  endedAt: EpochMs | null
}

export interface Delta {
  location: string
  lot: string
  onHand: number
  reserved: number
  allocated: number
}

/** A movement before the ledger numbers and dates it. */
export type MovementDraft = Omit<Movement, 'id' | 'sequence' | 'occurredAt' | 'deltas'> & {
  type: MovementType
}

/** What a decision wants written: one ledger row with all that goes with it. */
export interface Change {
  movement: MovementDraft
  deltas: Delta[]
  /** The reservation afterwards, where the change is about one. */
  reservation: Reservation | null
  /** The position that staff named: made if absent, its priority refreshed. */
  place: Place | null
  /** All arrivals afterwards, where the change is about them. */
  arrivals?: Arrival[]
}

export interface Place {
  location: string
  lot: string
  expiresAt: EpochMs | null
  priority: number
}

export const NO_POLICY: StockPolicy = {
  safetyStock: 0,
  backorderLimit: 0,
  availableOn: null,
  lowStockThreshold: null,
  saleStartsAt: null,
  saleEndsAt: null,
}

/** What a movement says of itself beyond its kind, where it has nothing to say. */
export const UNREMARKED = {
  reason: null,
  reference: null,
  note: null,
  orderId: null,
  purchaseId: null,
  disposition: null,
  expiresAt: null,
} as const

/** The fields of a movement that a purchase makes. */
export function purchaseMovement(
  type: MovementType,
  quantity: number,
  purchase: { purchaseId: string; orderId: string | null },
  actor: 'purchase' | 'alarm' = 'purchase',
): MovementDraft {
  const { orderId, purchaseId } = purchase
  return { ...UNREMARKED, type, quantity, actor, orderId, purchaseId }
}

/** Deltas of one counter (or of a move between counters) over the shares of a promise. */
export function deltasOf(
  shares: readonly Share[],
  signs: { onHand?: number; reserved?: number; allocated?: number },
): Delta[] {
  return shares.map(({ location, lot, quantity }) => ({
    location,
    lot,
    onHand: quantity * (signs.onHand ?? 0) || 0,
    reserved: quantity * (signs.reserved ?? 0) || 0,
    allocated: quantity * (signs.allocated ?? 0) || 0,
  }))
}
