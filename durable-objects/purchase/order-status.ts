import type { Order, OrderLine } from '../../schema/http/order.ts'

/** Units of a line that are neither shipped nor cancelled. */
export function openUnits({ quantity, fulfilled, cancelled }: OrderLine): number {
  return quantity - fulfilled - cancelled
}

/** The order with the three words that say how far it is, made from its lines and payments. */
export function withStatus(order: Order): Order {
  const fulfillmentStatus = fulfillmentStatusOf(order.lines)
  const paymentStatus = paymentStatusOf(order)
  const next = { ...order, fulfillmentStatus, paymentStatus }
  return { ...next, status: statusOf(next) }
}

function fulfillmentStatusOf(lines: readonly OrderLine[]): Order['fulfillmentStatus'] {
  const isOpen = lines.some((line) => openUnits(line) > 0)
  const isShipped = lines.some(({ fulfilled }) => fulfilled > 0)
  if (!isShipped) return 'unfulfilled'
  if (isOpen) return 'partially_fulfilled'
  return lines.every(({ fulfilled, returned }) => returned === fulfilled) ? 'returned' : 'fulfilled'
}

/** What the payments say once money has moved or was let go; before that the status stays as it began. */
function paymentStatusOf({ payments, paymentStatus }: Order): Order['paymentStatus'] {
  const captured = payments.reduce((sum, payment) => sum + BigInt(payment.captured.amount), 0n)
  const refunded = payments.reduce((sum, payment) => sum + BigInt(payment.refunded.amount), 0n)
  if (captured > 0n) {
    if (refunded === 0n) return 'paid'
    return refunded < captured ? 'partially_refunded' : 'refunded'
  }
  const isLetGo = payments.length > 0 && payments.every(({ status }) => status === 'voided')
  return isLetGo ? 'voided' : paymentStatus
}

/**
 * Cancelled: nothing of it was or will be shipped. Completed: all that was not cancelled is shipped, and no payment is
 * still to be taken; delivery is not waited for, since many carriers never tell. Neither ends: what happens later
 * (refunds, returns) is in the other two words.
 */
function statusOf({ status, lines, paymentStatus, fulfillmentStatus }: Order): Order['status'] {
  if (status !== 'placed') return status
  if (lines.length > 0 && lines.every(({ quantity, cancelled }) => cancelled === quantity)) return 'cancelled'
  const isShipped = fulfillmentStatus === 'fulfilled' || fulfillmentStatus === 'returned'
  const isSettled = paymentStatus !== 'pending' && paymentStatus !== 'authorized'
  return isShipped && isSettled ? 'completed' : 'placed'
}
