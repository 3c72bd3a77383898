import { refuse } from '../../schema/outcome.ts'
import type { AllocateCommand, DeallocateCommand } from '../../schema/rpc/stock.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { giveBack } from './positions.ts'
import { deltasOf, purchaseMovement, type Reservation } from './state.ts'

/** Turns a live hold into a promise to an order, whole or not at all. */
export function decideAllocate(own: Reservation | null, command: AllocateCommand): Decision<object> {
  const { purchaseId, orderId, quantity } = command
  assertUnits(quantity, 1)
  if (own?.state === 'allocated' && own.orderId === orderId) return { outcome: { ok: true } }
  if (own?.state !== 'held') return refused(refuse('reservation_ended'))
  if (own.quantity !== quantity) {
    const facts = { requested: quantity, held: own.quantity }
    return refused(
      refuse('stock_conflict', `${own.quantity} units are held, ${quantity} were to be allocated.`, facts),
    )
  }
  const movement = purchaseMovement('allocate', quantity, { purchaseId, orderId })
  const reservation: Reservation = { ...own, state: 'allocated', orderId }
  const deltas = deltasOf(own.shares, { reserved: -1, allocated: 1 })
  return { outcome: { ok: true }, change: { movement, deltas, reservation, place: null } }
}

/** Gives allocated units back to availability, once for each command id, in parts if need be. */
export function decideDeallocate(own: Reservation | null, command: DeallocateCommand): Decision<object> {
  const { purchaseId, orderId, commandId, quantity } = command
  assertUnits(quantity, 1)
  if (own?.deallocations.includes(commandId)) return { outcome: { ok: true } }
  const allocated = own?.state === 'allocated' && own.orderId === orderId ? own.quantity : 0
  if (!own || quantity > allocated) {
    const facts = { requested: quantity, allocated }
    return refused(refuse('stock_conflict', `${allocated} units are allocated to this order.`, facts))
  }
  const { kept, given } = giveBack(own.shares, quantity)
  const left = own.quantity - quantity
  const reservation: Reservation = {
    ...own,
    state: left === 0 ? 'released' : 'allocated',
    quantity: left,
    shares: kept,
    deallocations: [...own.deallocations, commandId],
  }
  const movement = purchaseMovement('deallocate', quantity, { purchaseId, orderId })
  const deltas = deltasOf(given, { allocated: -1 })
  return { outcome: { ok: true }, change: { movement, deltas, reservation, place: null } }
}
