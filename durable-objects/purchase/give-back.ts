import type { EpochMs } from '../../runtime/clock.ts'
import { toIso } from '../../runtime/clock.ts'
import type { Order, OrderLine, Payment, Refund } from '../../schema/http/order.ts'
import { newId } from '../../schema/ids.ts'
import { withEffect, withoutEffect } from './effects.ts'
import { dueOf, moneyOf, refundableOf, spread, sumOf, unitsValue } from './order-amounts.ts'
import { refundRequest } from './payment-request.ts'
import type { Effect, PaymentRef, PurchaseState } from './state.ts'

export function refOf(state: PurchaseState, payment: Payment): PaymentRef {
  return {
    provider: payment.provider,
    paymentId: payment.id,
    providerReference: state.attempt?.providerReference ?? '',
    amount: payment.amount,
  }
}

/**
 * What a payment has taken, or will have: a capture that is written down comes before whatever is written down after it.
 * A payment that is being undone has nothing more to give.
 */
function takenOf({ effects }: PurchaseState, payment: Payment): bigint {
  if (effects.some(({ id }) => id === `${payment.id}.undo`)) return 0n
  const capture = effects.find(({ id }) => id === `${payment.id}.capture`)
  return BigInt((capture?.request.amount ?? payment.captured).amount)
}

/** Money of the order's payments that is neither given back nor on its way. */
export function refundable(state: PurchaseState): bigint {
  return sumOf(roomsOf(state))
}

function roomsOf(state: PurchaseState): bigint[] {
  const order = state.order!
  return order.payments.map((payment) => {
    const room = refundableOf(order, payment, takenOf(state, payment))
    return room > 0n ? room : 0n
  })
}

/** Writes down that so much goes back to the payments, in their order; never more than they took. */
export function withRefund(
  state: PurchaseState,
  amount: bigint,
  reason: string | null,
  at: EpochMs,
): PurchaseState {
  const order = state.order!
  const parts = spread(amount, roomsOf(state))
  const refunds: Refund[] = []
  const effects: Effect[] = []
  for (const [index, payment] of order.payments.entries()) {
    if (parts[index] === 0n) continue
    const refund: Refund = {
      id: newId('refund', at),
      paymentId: payment.id,
      amount: moneyOf(order, parts[index]!),
      reason,
      status: 'pending',
      createdAt: toIso(at),
    }
    const request = refundRequest({ ...refOf(state, payment), amount: refund.amount }, refund.id)
    refunds.push(refund)
    effects.push({ id: refund.id, do: 'refund', request, tries: 0, nextAt: at })
  }
  return {
    ...state,
    order: { ...order, refunds: [...order.refunds, ...refunds] },
    effects: [...state.effects, ...effects],
  }
}

/**
 * The shopper need not pay for what was cancelled or came back for money: what was taken for it is given back; what was
 * not taken yet never is, and when nothing is left to take the authorization is let go.
 */
export function withCredit(state: PurchaseState, reason: string | null, at: EpochMs): PurchaseState {
  const before = state.order!
  let value = 0n
  const lines = before.lines.map((line) => {
    const units = unitsToCredit(before, line)
    value += unitsValue(before, line, units)
    return { ...line, credited: line.credited + units }
  })
  const order = { ...before, lines }
  const refunded = withRefund({ ...state, order }, value, reason, at)
  return dueOf(order) === 0n ? withoutCharge(refunded, at) : refunded
}

/**
 * Units whose price was refunded before they were cancelled or came back are taken to be the same ones: money goes back
 * for a unit once by itself, and a second time only if somebody says so.
 */
function unitsToCredit({ returns }: Order, { id, cancelled, credited }: OrderLine): number {
  const returned = returns
    .filter(({ refund }) => refund)
    .flatMap(({ lines }) => lines.filter(({ lineId }) => lineId === id))
    .reduce((sum, { restocked, writtenOff }) => sum + restocked + writtenOff, 0)
  return Math.max(0, cancelled + returned - credited)
}

/** Nothing is owed: payments that took nothing yet are let go. */
function withoutCharge(state: PurchaseState, at: EpochMs): PurchaseState {
  return state
    .order!.payments.filter((payment) => isUntaken(state, payment))
    .reduce((next, payment) => withEffect(next, 'undo', refOf(state, payment), at), state)
}

function isUntaken(state: PurchaseState, payment: Payment): boolean {
  return payment.status !== 'voided' && takenOf(state, payment) === 0n
}

/**
 * Everything goes back. A capture that waits for its provider must not come after the money was given back: it is taken
 * back, with the refunds that waited for it, and the payment is undone whatever has become of it.
 */
export function withAllGivenBack(state: PurchaseState, reason: string | null, at: EpochMs): PurchaseState {
  const settled = state.order!.payments.reduce((next, payment): PurchaseState => {
    const capture = next.effects.find(({ id }) => id === `${payment.id}.capture`)
    if (!capture) return next
    const isWaiting = ({ paymentId, status }: Refund) => paymentId === payment.id && status === 'pending'
    const gone = new Set(next.order!.refunds.filter(isWaiting).map(({ id }) => id))
    const refunds = next.order!.refunds.filter(({ id }) => !gone.has(id))
    const rest = withoutEffect(next, capture.id)
    const undone = withEffect(rest, 'undo', { ...refOf(state, payment), amount: capture.request.amount }, at)
    return {
      ...undone,
      order: { ...next.order!, refunds },
      effects: undone.effects.filter(({ id }) => !gone.has(id)),
    }
  }, state)
  return withoutCharge(withRefund(settled, refundable(settled), reason, at), at)
}

/** The provider has given this refund back. */
export function refundDone(order: Order, refundId: string): Order {
  const refund = order.refunds.find(({ id }) => id === refundId)!
  return {
    ...order,
    refunds: order.refunds.map((other) => (other === refund ? { ...refund, status: 'succeeded' } : other)),
    payments: order.payments.map((payment) => {
      if (payment.id !== refund.paymentId) return payment
      const refunded = BigInt(payment.refunded.amount) + BigInt(refund.amount.amount)
      const isAll = refunded >= BigInt(payment.captured.amount)
      return {
        ...payment,
        refunded: moneyOf(order, refunded),
        status: isAll ? 'refunded' : 'partially_refunded',
      }
    }),
  }
}
