import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { AllocateCommand } from '../../schema/rpc/stock.ts'
import { backedUnits } from './cover.ts'
import { mostFor } from './decide-reserve.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { deltasOf, purchaseMovement, type Reservation, type StockState } from './state.ts'

/** Turns a live hold into a promise to an order, whole or not at all; refused when goods of the hold were lost. */
export function decideAllocate(
  state: StockState,
  own: Reservation | null,
  command: AllocateCommand,
  at: EpochMs,
): Decision<object> {
  const { purchaseId, orderId, quantity } = command
  assertUnits(quantity, 1)
  const isDone = own?.state === 'allocated' || own?.state === 'fulfilled'
  if (isDone && own.orderId === orderId) return { outcome: { ok: true } }
  if (own?.state !== 'held') return refused(refuse('reservation_ended'))
  if (own.quantity !== quantity) {
    const facts = { requested: quantity, held: own.quantity }
    return refused(
      refuse('stock_conflict', `${own.quantity} units are held, ${quantity} were to be allocated.`, facts),
    )
  }
  if (backedUnits(state, own) < quantity) {
    const facts = { requested: quantity, available: mostFor(state, own, at) }
    return refused(refuse('insufficient_stock', 'Goods of this hold were lost.', facts))
  }
  const movement = purchaseMovement('allocate', quantity, { purchaseId, orderId })
  const reservation: Reservation = { ...own, state: 'allocated', orderId }
  const deltas = deltasOf(own.shares, { reserved: -1, allocated: 1 })
  return { outcome: { ok: true }, change: { movement, deltas, reservation, place: null } }
}
