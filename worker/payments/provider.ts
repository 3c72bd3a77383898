import type { AuthorizeRequest, AuthorizeResult, PaymentRequest } from '../../schema/rpc/purchase.ts'
import type { FieldError } from '../http/problem.ts'

/** What became of a payment, as its provider tells it in its own time. Verified before it has this form. */
export interface PaymentNotification {
  paymentId: string
  /** The provider's name of the notification; the same one may come many times. */
  eventId: string
  outcome: 'succeeded' | 'failed'
}

export type NotificationVerdict =
  | { kind: 'payment'; notification: PaymentNotification }
  /** Genuine, and about nothing that a checkout waits for. */
  | { kind: 'ignored' }
  | { kind: 'malformed'; errors: FieldError[] }

/** `refused` needs a person: asking again would be refused again. */
export type SettleVerdict = 'done' | 'refused' | 'unavailable'

/**
 * A payment provider. Every question carries an idempotency key, so asking twice is harmless, and a question whose
 * answer was lost is asked again. Answers are data; a provider that does not answer (its weather) may throw or never
 * come back, which `ask-provider.ts` turns into `unavailable`.
 */
export interface PaymentProvider {
  readonly name: string
  /** Reserves the amount on the shopper's means of payment. */
  authorize(request: AuthorizeRequest): Promise<AuthorizeResult>
  /** Takes what was authorized. */
  capture(request: PaymentRequest): Promise<SettleVerdict>
  /** Gives an authorization back; `captured` when it is too late for that and only a refund helps. */
  void(request: PaymentRequest): Promise<SettleVerdict | 'captured'>
  refund(request: PaymentRequest): Promise<SettleVerdict>
  /** Reads a notification from the body's exact text, after checking that the provider sent it. */
  parseNotification(headers: Headers, text: string): Promise<NotificationVerdict>
}
