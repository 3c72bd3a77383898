import { type EpochMs, toIso } from '../../runtime/clock.ts'
import { sha256Hex } from '../../runtime/digest.ts'
import type { Order, Payment } from '../../schema/http/order.ts'
import { orderId } from '../../schema/ids.ts'
import type { Money } from '../../schema/money.ts'
import { PAID_LATER } from '../../schema/payment-providers.ts'
import type { CheckoutAnswer } from '../../schema/rpc/purchase.ts'
import { advance } from './attempt.ts'
import { demandOf } from './demand.ts'
import { discountsOf } from './discount-view.ts'
import { EFFECT_RETRY_FIRST_MS, withEffect } from './effects.ts'
import { orderEvent } from './event-data.ts'
import { paymentOf } from './payment-request.ts'
import type { Change, EventDraft, PurchaseState } from './state.ts'
import { priceCart } from './totals.ts'

/** 30 characters that nobody mistakes for one another, in print or on the telephone. */
const NUMBER_ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ'

/** `K7QX-M3TP`: from a hash, so that two orders do not tell how many were placed between them. */
export async function orderNumber(store: string, purchaseId: string): Promise<string> {
  const digest = await sha256Hex(`order-number/${store}/${purchaseId}`)
  // 32 bits for each of 8 characters: the remainder favours no character by more than one in 10^8.
  const characters = Array.from({ length: 8 }, (_, index) => {
    const bits = Number.parseInt(digest.slice(index * 8, index * 8 + 8), 16)
    return NUMBER_ALPHABET[bits % NUMBER_ALPHABET.length]
  })
  return `${characters.slice(0, 4).join('')}-${characters.slice(4).join('')}`
}

/** All stock is allocated: the cart becomes an order, with its event, in one transaction. */
export function place(state: PurchaseState, number: string, token: string, at: EpochMs): Change {
  const order = orderOf(state, number, at)
  const isPaid = order.paymentStatus === 'paid'
  const isCapturedNow = order.paymentStatus === 'authorized' && state.settings.capture === 'automatic'
  const placed: PurchaseState = {
    ...advance(state, { stage: isCapturedNow ? 'capturing' : 'done' }, at),
    status: 'completed',
    updatedAt: at,
    holds: [],
    order,
    orderToken: token,
    allocations: [...demandOf(state).values()].map(({ kind, item, quantity }) => ({ kind, item, quantity })),
  }
  const events: EventDraft[] = [orderEvent('order.placed', order)]
  if (isPaid) events.push(orderEvent('order.paid', order))
  return isCapturedNow ? { state: placed, events } : { state: placed, events, answer: placedAnswer(placed) }
}

/** The whole order with its token, kept under the key of the checkout. */
function placedAnswer(state: PurchaseState): NonNullable<Change['answer']> {
  const answer: CheckoutAnswer = { kind: 'placed', order: { ...state.order!, token: state.orderToken! } }
  return { attempt: state.attempt!.number, answer, isKept: true }
}

/** The answer of the provider to the capture that belongs to the checkout. A failed one is tried again from the alarm. */
export function recordCapture(state: PurchaseState, isCaptured: boolean, at: EpochMs): Change {
  const done = advance(state, { stage: 'done' }, at)
  if (!isCaptured) {
    const later = withEffect(done, 'capture', paymentOf(state.attempt!), at + EFFECT_RETRY_FIRST_MS)
    return { state: later, answer: placedAnswer(later) }
  }
  const paid = capturePayment(done, state.attempt!.paymentId)
  return { ...paid, answer: placedAnswer(paid.state) }
}

/** The money of one payment is taken. */
export function capturePayment(state: PurchaseState, paymentId: string): Change {
  const order: Order = {
    ...state.order!,
    version: state.order!.version + 1,
    paymentStatus: 'paid',
    payments: state.order!.payments.map((payment) =>
      payment.id === paymentId ? { ...payment, status: 'captured', captured: payment.amount } : payment,
    ),
  }
  return { state: { ...state, order }, events: [orderEvent('order.paid', order)] }
}

function orderOf(state: PurchaseState, number: string, at: EpochMs): Order {
  const attempt = state.attempt!
  const totals = attempt.totals!
  const money = (amount: number): Money => ({ amount, currency: state.terms.currency })
  const priced = priceCart(state, attempt.pricedAt)
  const isFree = totals.total.amount === 0
  const payment: Payment = {
    id: attempt.paymentId,
    provider: attempt.payment.provider,
    status: 'authorized',
    amount: totals.total,
    captured: money(0),
    refunded: money(0),
    createdAt: toIso(at),
  }
  const method = state.terms.shippingMethods.find(({ code }) => code === state.shippingMethod)
  const isShipped = state.lines.some(({ facts }) => facts.requiresShipping)
  return {
    id: orderId(state.purchaseId),
    number,
    market: state.terms.code,
    currency: state.terms.currency,
    locale: state.locale,
    status: 'placed',
    paymentStatus: isFree ? 'paid' : PAID_LATER.has(payment.provider) ? 'pending' : 'authorized',
    fulfillmentStatus: 'unfulfilled',
    lines: state.lines.map(({ facts, quantity, properties }, index) => ({
      id: `line_${index + 1}`,
      sku: facts.sku,
      title: facts.title,
      quantity,
      fulfilled: 0,
      cancelled: 0,
      returned: 0,
      credited: 0,
      unitPrice: priced.lines[index]!.unitPrice,
      discount: priced.lines[index]!.discount,
      tax: priced.lines[index]!.tax,
      total: priced.lines[index]!.total,
      properties,
    })),
    discounts: discountsOf(state, priced).filter(({ amount }) => amount.amount > 0),
    totals,
    contact: state.contact,
    shippingAddress: state.shippingAddress,
    billingAddress: state.billingAddress,
    shippingMethod: isShipped && method ? { code: method.code, title: method.title } : null,
    payments: isFree ? [] : [payment],
    fulfillments: [],
    refunds: [],
    returns: [],
    cancellation: null,
    note: state.note,
    metadata: state.metadata,
    placedAt: toIso(at),
    version: 1,
  }
}
