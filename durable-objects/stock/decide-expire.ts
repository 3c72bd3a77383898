import { type Change, deltasOf, purchaseMovement, type Reservation } from './state.ts'

/** The end of an overdue hold: one ledger row and one event. */
export function decideExpire(overdue: Reservation): Change {
  const movement = purchaseMovement(
    'expire',
    overdue.quantity,
    { purchaseId: overdue.purchaseId, orderId: null },
    'alarm',
  )
  return {
    movement,
    deltas: deltasOf(overdue.shares, { reserved: -1 }),
    reservation: { ...overdue, state: 'expired', quantity: 0, shares: [] },
    place: null,
  }
}
