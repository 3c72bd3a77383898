import type { EpochMs } from '../../runtime/clock.ts'
import { addShares, freeAt, giveBack, inGivingOrder, isLive, safetyAt, sum, totalsOf } from './positions.ts'
import {
  BEYOND_HAND,
  type Delta,
  isBeyondHand,
  type KeptPosition,
  type Reservation,
  type Share,
  type StockState,
} from './state.ts'

/**
 * Units of a hold that may still be allocated: those on hand, and those beyond as far as orders have left room there.
 * Fewer than it has when goods were lost after the promise.
 */
export function backedUnits(state: StockState, hold: Pick<Reservation, 'quantity' | 'shares'>): number {
  const own = hold.shares.find(isBeyondHand)?.quantity ?? 0
  const promised = state.positions.find(isBeyondHand)?.allocated ?? 0
  const left = Math.max(0, state.policy.backorderLimit - promised)
  return hold.quantity - own + Math.min(own, left)
}

/** Units that are promised at a position and have no goods there: more than none only after a loss. */
export function brokenAt(position: KeptPosition, at: EpochMs): number {
  if (isBeyondHand(position)) return 0
  const goods = isLive(position, at) ? position.onHand : 0
  return Math.max(0, position.reserved + position.allocated - goods)
}

/**
 * Moves promises that lost their goods at `place` beyond hand, in the order given (newest first). What is free elsewhere
 * covers them next, by `cover`.
 */
export function uncover(
  place: { location: string; lot: string },
  units: number,
  promised: readonly Reservation[],
): { reservations: Reservation[]; deltas: Delta[] } {
  // Not the position itself, of which a delta would else carry all that it has.
  const { location, lot } = place
  let left = units
  const reservations: Reservation[] = []
  const deltas: Delta[] = []
  for (const reservation of promised) {
    const isHere = (share: Share) => share.location === location && share.lot === lot
    const quantity = Math.min(left, reservation.shares.find(isHere)?.quantity ?? 0)
    if (quantity === 0) continue
    left -= quantity
    const rest = reservation.shares
      .map((share) => (isHere(share) ? { ...share, quantity: share.quantity - quantity } : share))
      .filter((share) => share.quantity > 0)
    reservations.push({ ...reservation, shares: addShares(rest, [{ ...BEYOND_HAND, quantity }]) })
    const counter = reservation.state === 'held' ? 'reserved' : 'allocated'
    const none = { onHand: 0, reserved: 0, allocated: 0 }
    deltas.push({ location, lot, ...none, [counter]: -quantity })
    deltas.push({ ...BEYOND_HAND, ...none, [counter]: quantity })
  }
  return { reservations, deltas }
}

/** Units promised beyond hand that goods on hand could cover now. */
export function coverable(state: StockState, at: EpochMs): number {
  const beyond = state.positions.find(isBeyondHand)
  const waiting = beyond ? beyond.reserved + beyond.allocated : 0
  if (waiting === 0) return 0
  const { onHand, safetyStock, reserved, allocated } = totalsOf(state, at)
  return Math.min(waiting, Math.max(0, onHand - safetyStock - (reserved + allocated - waiting)))
}

/**
 * Moves promises from beyond hand to goods, in the order given (oldest first). Returns the reservations that
 * changed and the deltas; the sums of `reserved` and `allocated` stay as they were.
 */
export function cover(
  state: StockState,
  waiting: readonly Reservation[],
  at: EpochMs,
): { reservations: Reservation[]; deltas: Delta[] } {
  const free = inGivingOrder(state.positions, at).map((position) => ({
    location: position.location,
    lot: position.lot,
    quantity: Math.max(0, freeAt(position) - safetyAt(position)),
  }))
  let left = coverable(state, at)
  const reservations: Reservation[] = []
  const deltas: Delta[] = []
  for (const reservation of waiting) {
    const beyond = reservation.shares.find(isBeyondHand)
    const moved = takeFrom(free, Math.min(left, beyond?.quantity ?? 0))
    const units = sum(moved, (share) => share.quantity)
    if (units === 0) continue
    left -= units
    const shares = addShares(giveBack(reservation.shares, units).kept, moved)
    reservations.push({ ...reservation, shares })
    const counter = reservation.state === 'held' ? 'reserved' : 'allocated'
    for (const share of [...moved, { ...BEYOND_HAND, quantity: -units }]) {
      const { location, lot, quantity } = share
      deltas.push({ location, lot, onHand: 0, reserved: 0, allocated: 0, [counter]: quantity })
    }
  }
  return { reservations, deltas }
}

/** Takes units of the shares in their order, from the shares themselves: what is left stays in them. */
export function takeFrom(free: Share[], quantity: number): Share[] {
  const taken: Share[] = []
  let left = quantity
  for (const share of free) {
    const units = Math.min(left, share.quantity)
    if (units === 0) continue
    taken.push({ ...share, quantity: units })
    share.quantity -= units
    left -= units
  }
  return taken
}
