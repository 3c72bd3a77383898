import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { DeallocateCommand } from '../../schema/rpc/stock.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { giveBack } from './positions.ts'
import { deltasOf, purchaseMovement, type Reservation, type Share } from './state.ts'

/** Gives allocated units back to availability, once for each command id, in parts if need be. */
export function decideDeallocate(
  own: Reservation | null,
  command: DeallocateCommand,
  at: EpochMs,
): Decision<object> {
  const { purchaseId, orderId, commandId, quantity } = command
  assertUnits(quantity, 1)
  if (own && commandId in own.commands) return { outcome: { ok: true } }
  const allocated = allocatedTo(own, orderId)
  if (!own || quantity > allocated) {
    const facts = { requested: quantity, allocated }
    return refused(refuse('stock_conflict', `${allocated} units are allocated to this order.`, facts))
  }
  const { kept, given } = giveBack(own.shares, quantity)
  const reservation = withLess(own, kept, commandId, given, 'released', at)
  const movement = purchaseMovement('deallocate', quantity, { purchaseId, orderId })
  const deltas = deltasOf(given, { allocated: -1 })
  return { outcome: { ok: true }, change: { movement, deltas, reservation, place: null } }
}

export function allocatedTo(own: Reservation | null, orderId: string): number {
  return own?.state === 'allocated' && own.orderId === orderId ? own.quantity : 0
}

/** A promise after some of its units have left it; `end` is what it is called when none are left. */
export function withLess(
  own: Reservation,
  shares: Share[],
  commandId: string,
  taken: Share[],
  end: 'released' | 'fulfilled',
  at: EpochMs,
): Reservation {
  const left = own.quantity - taken.reduce((units, share) => units + share.quantity, 0)
  return {
    ...own,
    state: left === 0 ? end : 'allocated',
    quantity: left,
    shares,
    commands: { ...own.commands, [commandId]: taken },
    endedAt: left === 0 ? at : null,
  }
}
