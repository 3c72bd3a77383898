import type { EpochMs } from '../../runtime/clock.ts'
import type { OrderLine } from '../../schema/http/order.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import type { OrderAction } from '../../schema/rpc/purchase.ts'
import { orderEvent } from './event-data.ts'
import { refundable, refundDone, withRefund } from './give-back.ts'
import { beyond, moneyOf, sumOf, unitsValue, withLines } from './order-amounts.ts'
import { withStatus } from './order-status.ts'
import type { Change, PurchaseState } from './state.ts'

type RefundAction = Extract<OrderAction, { do: 'refund' }>

/** Refunds of one order: each waits for the provider as an effect of its own, and all are in the order's document. */
export const REFUNDS_MAX = 200

const uncredited = ({ quantity, credited }: OrderLine) => quantity - credited

/** Gives money back to the payments it came from: an amount, the price of units, or all that is left. */
export function refundOrder(
  state: PurchaseState,
  { amount, lines, reason }: RefundAction,
  at: EpochMs,
): Change | Refusal {
  const before = state.order!
  if (amount && amount.currency !== before.currency) {
    return refuse('order_state_conflict', `The order is in ${before.currency}.`, {
      currency: before.currency,
    })
  }
  if (before.refunds.length >= REFUNDS_MAX) return refuse('limit_reached', undefined, { limit: REFUNDS_MAX })
  const over = beyond(before, lines ?? [], uncredited)
  if (over.length > 0) {
    return refuse('order_state_conflict', 'The price of these units was given back before.', { lines: over })
  }
  const left = refundable(state)
  const value = amount ? BigInt(amount.amount) : lines ? priceOf(state, lines) : left
  if (value > left || value === 0n) {
    const facts = { refundable: moneyOf(before, left) }
    return refuse('order_state_conflict', 'That is not what can be refunded.', facts)
  }
  const all = before.lines.map((line) => ({ lineId: line.id, quantity: uncredited(line) }))
  const order = withLines(before, lines ?? (amount ? [] : all), (line, quantity) => ({
    credited: line.credited + quantity,
  }))
  const next = { ...state, order: { ...order, version: before.version + 1 } }
  return { state: withRefund(next, value, reason, at) }
}

function priceOf({ order }: PurchaseState, lines: NonNullable<RefundAction['lines']>): bigint {
  const lineOf = new Map(order!.lines.map((line) => [line.id, line]))
  return sumOf(lines.map(({ lineId, quantity }) => unitsValue(order!, lineOf.get(lineId)!, quantity)))
}

/** The provider has given it back. */
export function recordRefund(state: PurchaseState, refundId: string): Change {
  const before = state.order!
  const order = withStatus({ ...refundDone(before, refundId), version: before.version + 1 })
  return { state: { ...state, order }, events: [orderEvent('order.refunded', order)] }
}
