import { type EpochMs, toIso } from '../../runtime/clock.ts'
import { POSITIONS_MAX } from './decide-move.ts'
import {
  type Change,
  deltasOf,
  isBeyondHand,
  type KeptPosition,
  purchaseMovement,
  type Reservation,
  type StockState,
  UNREMARKED,
} from './state.ts'

/** The end of an overdue hold: one ledger row and one event. */
export function decideExpire(overdue: Reservation, at: EpochMs): Change {
  const movement = purchaseMovement(
    'expire',
    overdue.quantity,
    { purchaseId: overdue.purchaseId, orderId: null },
    'alarm',
  )
  return {
    movement,
    deltas: deltasOf(overdue.shares, { reserved: -1 }),
    reservation: { ...overdue, state: 'expired', quantity: 0, shares: [], endedAt: at },
    place: null,
  }
}

/** Goods past their sell-by date leave: they stopped counting at that instant, this is the row that says so. */
export function decideWriteOff({ location, lot, onHand, expiresAt }: KeptPosition): Change {
  return {
    movement: {
      ...UNREMARKED,
      type: 'adjust',
      quantity: -onHand,
      reason: 'expired',
      actor: 'alarm',
      expiresAt: toIso(expiresAt!),
    },
    deltas: [{ location, lot, onHand: -onHand, reserved: 0, allocated: 0 }],
    reservation: null,
    place: null,
  }
}

/** Lots with goods that are past their date. */
export function expiredLots({ positions }: StockState, at: EpochMs): KeptPosition[] {
  return positions.filter(({ onHand, expiresAt }) => onHand > 0 && expiresAt !== null && expiresAt <= at)
}

/** A lot whose time and goods are over says nothing more: its place goes to another. */
export function isSpent(position: KeptPosition, at: EpochMs): boolean {
  const { expiresAt } = position
  return expiresAt !== null && expiresAt <= at && isEmpty(position)
}

/**
 * An item that has as many positions as it may gives up the lots without a date that are empty: they never end by
 * themselves, and whoever numbers deliveries would one day have no place for another.
 */
export function isInTheWay(position: KeptPosition, { positions }: Pick<StockState, 'positions'>): boolean {
  const { lot, expiresAt, safetyStock } = position
  const isLotForEver = lot !== '' && expiresAt === null && safetyStock === 0
  return positions.length >= POSITIONS_MAX && isLotForEver && isEmpty(position)
}

function isEmpty(position: KeptPosition): boolean {
  return !isBeyondHand(position) && position.onHand + position.reserved + position.allocated === 0
}
