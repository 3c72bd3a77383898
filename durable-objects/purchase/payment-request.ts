import type { AuthorizeRequest, PaymentRequest } from '../../schema/rpc/purchase.ts'
import type { Attempt, PaymentRef } from './state.ts'

/** What an attempt may hold at its provider, once it has a total. */
export function paymentOf(attempt: Attempt): PaymentRef {
  return {
    provider: attempt.payment.provider,
    paymentId: attempt.paymentId,
    providerReference: attempt.providerReference ?? '',
    amount: attempt.totals!.total,
  }
}

/** The payment id is the provider's idempotency key: whoever repeats the step asks about the same payment. */
export function authorizeRequest(attempt: Attempt): AuthorizeRequest {
  const { provider, token, returnUrl } = attempt.payment
  const { paymentId } = attempt
  return { provider, token, returnUrl, paymentId, amount: attempt.totals!.total, idempotencyKey: paymentId }
}

export function captureRequest(payment: PaymentRef): PaymentRequest {
  return { ...payment, idempotencyKey: `${payment.paymentId}.capture` }
}

export function undoRequest(payment: PaymentRef): PaymentRequest {
  return { ...payment, idempotencyKey: `${payment.paymentId}.undo` }
}

/** A payment may be given back in parts: the refund's id tells them apart. */
export function refundRequest(part: PaymentRef, refundId: string): PaymentRequest {
  return { ...part, idempotencyKey: refundId }
}
