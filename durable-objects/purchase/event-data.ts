import type { EpochMs } from '../../runtime/clock.ts'
import type { Order, OrderEventData } from '../../schema/http/order.ts'
import type { Money } from '../../schema/money.ts'
import type { Attempt, EventDraft, PurchaseState } from './state.ts'
import { priceCart } from './totals.ts'

/** An `order.*` event: the order without who bought it and without free text, as the log is kept for ever. */
export function orderEvent(type: EventDraft['type'], order: Order): EventDraft {
  const { token, contact, shippingAddress, billingAddress, note, metadata, ...rest } = order
  const data: OrderEventData = {
    ...rest,
    lines: order.lines.map(({ properties, ...line }) => line),
    fulfillments: order.fulfillments.map(({ tracking, ...fulfillment }) => fulfillment),
    refunds: order.refunds.map(({ reason, ...refund }) => refund),
    returns: order.returns.map((back) => ({
      ...back,
      lines: back.lines.map(({ reason, ...line }) => line),
    })),
    cancellation: order.cancellation && { cancelledAt: order.cancellation.cancelledAt },
  }
  return { type, subject: 'order', data }
}

export function cartExpiredEvent(state: PurchaseState, at: EpochMs): EventDraft {
  const data = {
    purchaseId: state.purchaseId,
    market: state.terms.code,
    currency: state.terms.currency,
    lines: state.lines.map(({ facts, quantity }) => ({ sku: facts.sku, quantity })),
    totals: priceCart(state, at).totals,
  }
  return { type: 'cart.expired', subject: 'cart', data }
}

export function paymentFailedEvent(
  state: PurchaseState,
  attempt: Attempt,
  amount: Money,
  reason: string,
): EventDraft {
  const data = {
    purchaseId: state.purchaseId,
    paymentId: attempt.paymentId,
    provider: attempt.payment.provider,
    amount,
    reason: reasonCode(reason),
  }
  return { type: 'payment.failed', subject: 'cart', data }
}

/** Providers name reasons by codes; anything else might quote the shopper and stays out. */
export function reasonCode(reason: string): string {
  return /^[a-z0-9_.-]{1,60}$/i.test(reason) ? reason : 'declined'
}
