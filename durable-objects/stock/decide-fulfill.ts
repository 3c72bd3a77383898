import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { FulfillCommand, Taken } from '../../schema/rpc/stock.ts'
import { takeFrom } from './cover.ts'
import { allocatedTo, withLess } from './decide-deallocate.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { sum } from './positions.ts'
import { deltasOf, isBeyondHand, purchaseMovement, type Reservation, type Share } from './state.ts'

/** Allocated units leave the house, from the positions that were chosen for the order; once for each command id. */
export function decideFulfill(
  own: Reservation | null,
  command: FulfillCommand,
  at: EpochMs,
): Decision<{ taken: Taken[] }> {
  const { purchaseId, orderId, commandId, quantity, location } = command
  assertUnits(quantity, 1)
  const done = own?.commands[commandId]
  if (done) return { outcome: { ok: true, taken: done } }
  const allocated = allocatedTo(own, orderId)
  if (!own || quantity > allocated) {
    const facts = { requested: quantity, allocated }
    return refused(refuse('stock_conflict', `${allocated} units are allocated to this order.`, facts))
  }
  const left = own.shares.map((share) => ({ ...share }))
  const here = left.filter(isOnHandAt(location))
  const onHand = unitsOf(here)
  if (quantity > onHand) {
    const facts = { requested: quantity, onHand }
    return refused(refuse('stock_conflict', `Only ${onHand} of its units are on hand there.`, facts))
  }
  const taken = takeFrom(here, quantity)
  const shares = left.filter((share) => share.quantity > 0)
  // A promise that is shipped in part and given up in part was shipped.
  const reservation = withLess(own, shares, commandId, taken, 'fulfilled', at)
  const movement = purchaseMovement('fulfill', quantity, { purchaseId, orderId })
  const deltas = deltasOf(taken, { onHand: -1, allocated: -1 })
  return { outcome: { ok: true, taken }, change: { movement, deltas, reservation, place: null } }
}

/** What `decideFulfill` would find on hand for the order there. */
export function shippable(own: Reservation | null, orderId: string, location: string | null): number {
  return own && allocatedTo(own, orderId) > 0 ? unitsOf(own.shares.filter(isOnHandAt(location))) : 0
}

/** Null is any location. */
function isOnHandAt(location: string | null): (share: Share) => boolean {
  return (share) => !isBeyondHand(share) && (location ?? share.location) === share.location
}

function unitsOf(shares: readonly Share[]): number {
  return sum(shares, (share) => share.quantity)
}
