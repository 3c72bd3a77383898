import type { EpochMs } from '../../runtime/clock.ts'
import { brokenAt } from './cover.ts'
import { sum, totalsOf } from './positions.ts'
import type { Reservation, StockState } from './state.ts'

/**
 * The promises that concern stock, asked before anything is written: a bug stops here, the transaction is taken back
 * and leaves no trace.
 */

/**
 * Promise 1. Goods lost after the promise may leave less than was promised, so the bound is asked only of what promises
 * more; and no position's goods are promised twice, except where that was so before (a drift that an audit tells of).
 */
export function assertSound(before: StockState, after: StockState, at: EpochMs): void {
  for (const position of after.positions) {
    const { location, lot, onHand, reserved, allocated } = position
    if (onHand < 0 || reserved < 0 || allocated < 0) {
      throw new Error(`position ${location}/${lot} would be negative: ${onHand}, ${reserved}, ${allocated}`)
    }
    const was = before.positions.find((p) => p.location === location && p.lot === lot)
    if (brokenAt(position, at) > (was ? brokenAt(was, at) : 0)) {
      throw new Error(`position ${location}/${lot} would promise ${reserved + allocated} of ${onHand}`)
    }
  }
  const [was, is] = [totalsOf(before, at), totalsOf(after, at)]
  const isGrant = is.reserved + is.allocated > was.reserved + was.allocated
  if (isGrant && is.room < 0) throw new Error(`promised ${-is.room} units more than there is room for`)
}

/** Promise 2: what may follow on each state of a reservation. An end is followed by nothing, or by a new hold. */
const MAY_BECOME: Record<Reservation['state'] | 'none', readonly Reservation['state'][]> = {
  none: ['held', 'released'],
  held: ['held', 'allocated', 'released', 'expired'],
  allocated: ['allocated', 'released', 'fulfilled'],
  released: ['held', 'released'],
  expired: ['held', 'released'],
  fulfilled: [],
}

/** A hold ends once, a promise is the sum of its shares, and what has ended promises nothing. */
export function assertReservation(before: Reservation | null, after: Reservation): void {
  if (!MAY_BECOME[before?.state ?? 'none'].includes(after.state)) {
    throw new Error(`a reservation would go from ${before?.state ?? 'none'} to ${after.state}`)
  }
  const isLive = after.state === 'held' || after.state === 'allocated'
  const units = sum(after.shares, (share) => share.quantity)
  if (units !== after.quantity || isLive !== units > 0 || isLive !== (after.endedAt === null)) {
    throw new Error(`a ${after.state} reservation of ${after.quantity} would have shares of ${units}`)
  }
}
