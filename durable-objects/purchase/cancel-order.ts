import { type EpochMs, toIso } from '../../runtime/clock.ts'
import { newId } from '../../schema/ids.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import type { LineUnits } from '../../schema/rpc/purchase.ts'
import { needsOf, supplyKey } from './demand.ts'
import { orderEvent } from './event-data.ts'
import { withAllGivenBack, withCredit } from './give-back.ts'
import { beyond, moneyOf, withLines } from './order-amounts.ts'
import { openUnits, withStatus } from './order-status.ts'
import type { Change, Deallocation, PurchaseState } from './state.ts'

/**
 * Cancels units that were not shipped: the decision, what is owed to the shopper and what is owed to stock, in one
 * transaction. The provider and Stock are told afterwards, until they have heard. Shipping goes back with the last of an
 * order of which nothing was shipped, and only then is the order cancelled; in part it is edited.
 */
export function cancelOrder(
  state: PurchaseState,
  wanted: LineUnits[] | null,
  reason: string | null,
  at: EpochMs,
): Change | Refusal {
  const before = state.order!
  const open = before.lines.map((line) => ({ lineId: line.id, quantity: openUnits(line) }))
  const units = (wanted ?? open).filter(({ quantity }) => quantity > 0)
  const lines = beyond(before, units, openUnits)
  if (lines.length > 0) {
    return refuse('order_state_conflict', 'Not so many units are left to cancel.', { lines })
  }
  const cancelled = withLines(before, units, (line, quantity) => ({ cancelled: line.cancelled + quantity }))
  const order = withStatus({ ...cancelled, version: before.version + 1 })
  const commandId = `${before.id}/cancellation/${order.version}`
  if (order.status === 'cancelled') return cancelWhole({ ...state, order }, commandId, reason, at)
  const credited = withCredit({ ...state, order, updatedAt: at }, reason, at)
  const next = withoutAllocations(credited, units, commandId)
  return { state: next, events: [orderEvent('order.edited', next.order!)] }
}

/** All units are given back and all money; `state.order` is cancelled already. */
function cancelWhole(state: PurchaseState, commandId: string, reason: string | null, at: EpochMs): Change {
  const order = {
    ...state.order!,
    lines: state.order!.lines.map((line) => ({ ...line, credited: line.quantity })),
    cancellation: { reason, cancelledAt: toIso(at) },
  }
  const deallocations = state.allocations.map((allocated) => ({ ...allocated, commandId }))
  const free: PurchaseState = {
    ...state,
    order,
    allocations: [],
    deallocations: [...state.deallocations, ...deallocations],
    updatedAt: at,
  }
  const next = withAllGivenBack(free, reason, at)
  return { state: next, events: [orderEvent('order.cancelled', next.order!)] }
}

/** What these units have of Stock and of quotas is owed to them. */
function withoutAllocations(
  state: PurchaseState,
  units: readonly LineUnits[],
  commandId: string,
): PurchaseState {
  const lineOf = new Map(state.order!.lines.map(({ id }, index) => [id, state.lines[index]!]))
  const freed = new Map<string, number>()
  for (const { lineId, quantity } of units) {
    for (const need of needsOf({ ...lineOf.get(lineId)!, quantity }, state.customer)) {
      freed.set(supplyKey(need), (freed.get(supplyKey(need)) ?? 0) + need.quantity)
    }
  }
  const due = state.allocations.flatMap((has): Deallocation[] => {
    // An order from before a quota has none of it.
    const quantity = Math.min(has.quantity, freed.get(supplyKey(has)) ?? 0)
    return quantity > 0 ? [{ ...has, quantity, commandId }] : []
  })
  const gone = new Map(due.map((each) => [supplyKey(each), each.quantity]))
  const allocations = state.allocations
    .map((has) => ({ ...has, quantity: has.quantity - (gone.get(supplyKey(has)) ?? 0) }))
    .filter(({ quantity }) => quantity > 0)
  return { ...state, allocations, deallocations: [...state.deallocations, ...due] }
}

/** The provider has given a payment of the order back, or let it go. */
export function undoDone(state: PurchaseState, paymentId: string, at: EpochMs): Change {
  const before = state.order!
  const payment = before.payments.find(({ id }) => id === paymentId)!
  // Orders that a version before refunds cancelled: their captured payment is undone as a whole.
  const isRefund = payment.captured.amount > payment.refunded.amount
  const refund = {
    id: newId('refund', at),
    paymentId,
    amount: moneyOf(before, BigInt(payment.captured.amount) - BigInt(payment.refunded.amount)),
    reason: before.cancellation?.reason ?? null,
    status: 'succeeded' as const,
    createdAt: toIso(at),
  }
  const undone = isRefund
    ? { ...payment, status: 'refunded' as const, refunded: payment.captured }
    : { ...payment, status: 'voided' as const }
  const order = withStatus({
    ...before,
    version: before.version + 1,
    payments: before.payments.map((other) => (other === payment ? undone : other)),
    refunds: isRefund ? [...before.refunds, refund] : before.refunds,
  })
  return { state: { ...state, order }, events: isRefund ? [orderEvent('order.refunded', order)] : [] }
}
