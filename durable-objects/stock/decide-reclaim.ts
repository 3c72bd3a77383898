import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { ReclaimCommand } from '../../schema/rpc/stock.ts'
import { allocatedTo, decideDeallocate } from './decide-deallocate.ts'
import { type Decision, refused } from './decision.ts'
import type { Reservation } from './state.ts'

/** Gives back units that an order has not, in the words of its purchase: staff's way out of a drift, and no way to take an order's own. */
export function decideReclaim(
  own: Reservation | null,
  command: ReclaimCommand,
  at: EpochMs,
): Decision<object> {
  const { orderId, quantity, entitled, note, actor, idempotency } = command
  if (entitled === null) return refused(refuse('checkout_in_progress', 'The purchase is just changing.'))
  const allocated = allocatedTo(own, orderId)
  if (quantity > allocated - entitled) {
    const detail = `${allocated} units are allocated to this order, and ${entitled} are its own.`
    return refused(refuse('stock_conflict', detail, { requested: quantity, allocated, entitled }))
  }
  const decided = decideDeallocate(own, { ...command, commandId: `reclaim/${idempotency.key}` }, at)
  if (!decided.change) return decided
  return { ...decided, change: { ...decided.change, movement: { ...decided.change.movement, note, actor } } }
}
