import { z } from '@hono/zod-openapi'
import type { AuthorizeRequest, AuthorizeResult } from '../../schema/rpc/purchase.ts'
import { fieldErrors } from '../http/validation.ts'
import type { NotificationVerdict, PaymentProvider } from './provider.ts'

/** What a developer POSTs in place of the provider: how a `tok_requires_action` payment ended. */
export const testNotificationSchema = z
  .strictObject({
    eventId: z.string().min(1).max(200),
    paymentId: z.string().min(1).max(200),
    outcome: z.enum(['succeeded', 'failed']),
  })
  .openapi('TestPaymentNotification')

const SLOW_ANSWER_MS = 3_000

/**
 * The provider for trying things out: the token alone decides what happens, nothing is kept, so every question may be
 * asked any number of times. It is not in the registry of a deployed build (providers.ts).
 */
export const testProvider: PaymentProvider = {
  name: 'test',

  async authorize(request: AuthorizeRequest): Promise<AuthorizeResult> {
    const providerReference = `test_${request.paymentId}`
    switch (request.token) {
      case 'tok_slow':
        await new Promise((resolve) => setTimeout(resolve, SLOW_ANSWER_MS))
        return { outcome: 'authorized', providerReference }
      case 'tok_ok':
        return { outcome: 'authorized', providerReference }
      case 'tok_requires_action':
        return { outcome: 'requires_action', providerReference, url: testActionPath(request.paymentId) }
      case 'tok_error':
        return { outcome: 'unavailable' }
      case 'tok_declined':
        return { outcome: 'declined', providerReference, reason: 'The card was declined.' }
      default:
        return { outcome: 'declined', providerReference, reason: 'The token is not a test token.' }
    }
  },

  capture: async () => 'done',
  void: async () => 'done',
  refund: async () => 'done',

  async parseNotification(_headers: Headers, text: string): Promise<NotificationVerdict> {
    const parsed = testNotificationSchema.safeParse(JSON.parse(text))
    if (!parsed.success) return { kind: 'malformed', errors: fieldErrors(parsed.error, 'json') }
    return { kind: 'payment', notification: parsed.data }
  },
}

/** The page that stands for the bank's: relative, since a checkout may go on without a request (checkout adds the origin). */
export function testActionPath(paymentId: string): string {
  return `/v1/payments/test/actions/${encodeURIComponent(paymentId)}`
}
