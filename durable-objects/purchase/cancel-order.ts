import { type EpochMs, toIso } from '../../runtime/clock.ts'
import type { Order } from '../../schema/http/order.ts'
import { newId } from '../../schema/ids.ts'
import { withEffect, withoutEffect } from './effects.ts'
import { orderEvent } from './event-data.ts'
import type { Change, PaymentRef, PurchaseState } from './state.ts'

/**
 * Cancels a placed order: the decision, what is owed to the shopper and what is owed to stock, in one transaction. The
 * provider and Stock are told afterwards, until they have heard; the payment is shown as voided or refunded once it is.
 */
export function cancelOrder(state: PurchaseState, reason: string | null, at: EpochMs): Change {
  const before = state.order!
  const order: Order = {
    ...before,
    version: before.version + 1,
    status: 'cancelled',
    lines: before.lines.map((line) => ({ ...line, cancelled: line.quantity })),
    cancellation: { reason, cancelledAt: toIso(at) },
  }
  const commandId = `${before.id}/cancellation/1`
  const deallocations = state.allocations.map((allocated) => ({ ...allocated, commandId }))
  let next: PurchaseState = {
    ...state,
    order,
    allocations: [],
    deallocations: [...state.deallocations, ...deallocations],
    updatedAt: at,
  }
  for (const payment of before.payments) {
    // A capture that waits for its provider must not come after the money was given back.
    next = withoutEffect(next, `${payment.id}.capture`)
    next = withEffect(next, 'undo', paymentRef(state, payment), at)
  }
  return { state: next, events: [orderEvent('order.cancelled', order)] }
}

function paymentRef(state: PurchaseState, payment: Order['payments'][number]): PaymentRef {
  return {
    provider: payment.provider,
    paymentId: payment.id,
    providerReference: state.attempt?.providerReference ?? '',
    amount: payment.amount,
  }
}

/** The provider has given a payment of the order back. */
export function recordRefunded(state: PurchaseState, paymentId: string, at: EpochMs): Change {
  const before = state.order!
  const payment = before.payments.find(({ id }) => id === paymentId)!
  const isRefund = payment.status === 'captured'
  const order: Order = {
    ...before,
    version: before.version + 1,
    paymentStatus: isRefund ? 'refunded' : 'voided',
    payments: before.payments.map((other) =>
      other.id !== paymentId
        ? other
        : {
            ...other,
            status: isRefund ? 'refunded' : 'voided',
            refunded: isRefund ? other.captured : other.refunded,
          },
    ),
    refunds: isRefund
      ? [
          ...before.refunds,
          {
            id: newId('refund', at),
            amount: payment.captured,
            reason: before.cancellation?.reason ?? null,
            createdAt: toIso(at),
          },
        ]
      : before.refunds,
  }
  return { state: { ...state, order }, events: isRefund ? [orderEvent('order.refunded', order)] : [] }
}
