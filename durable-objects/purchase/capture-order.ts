import type { EpochMs } from '../../runtime/clock.ts'
import type { Order } from '../../schema/http/order.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import { withEffect } from './effects.ts'
import { orderEvent } from './event-data.ts'
import { refOf } from './give-back.ts'
import { dueOf, moneyOf, spread } from './order-amounts.ts'
import { withStatus } from './order-status.ts'
import type { Change, PurchaseState } from './state.ts'

/** Takes what the shopper owes from the payments, in their order: not what was cancelled meanwhile. */
export function captureOrder(state: PurchaseState, at: EpochMs): Change | Refusal {
  const order = state.order!
  const isWaiting = (id: string) => state.effects.some((effect) => effect.request.paymentId === id)
  const payments = order.payments.filter(
    ({ captured, status }) => captured.amount === 0 && status !== 'voided',
  )
  const untouched = payments.filter(({ id }) => !isWaiting(id))
  const parts = spread(
    dueOf(order),
    untouched.map(({ amount }) => BigInt(amount.amount)),
  )
  if (parts.every((part) => part === 0n)) {
    return refuse('order_state_conflict', 'There is nothing to capture, or it is being captured.')
  }
  const next = untouched.reduce((so, payment, index) => {
    const part = parts[index]!
    if (part === 0n) return so
    return withEffect(so, 'capture', { ...refOf(state, payment), amount: moneyOf(order, part) }, at)
  }, state)
  return { state: { ...next, order: { ...order, version: order.version + 1 } } }
}

/** The provider has taken so much of a payment. */
export function captureDone(
  state: PurchaseState,
  paymentId: string,
  captured: Order['totals']['total'],
): Change {
  const before = state.order!
  const order = withStatus({
    ...before,
    version: before.version + 1,
    payments: before.payments.map((payment) =>
      payment.id === paymentId ? { ...payment, status: 'captured', captured } : payment,
    ),
  })
  return { state: { ...state, order }, events: [orderEvent('order.paid', order)] }
}
