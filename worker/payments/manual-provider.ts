import type { PaymentProvider } from './provider.ts'

/**
 * Pay later: bank transfer, invoice, cash at the door. Money moves where nobody here sees it, so every question is
 * answered with yes and staff do the rest: a capture writes down that the money came, a refund that it was sent back. An
 * order of this provider is `pending` until then (schema/payment-providers.ts). The token says nothing.
 */
export const manualProvider: PaymentProvider = {
  name: 'manual',
  authorize: async ({ paymentId }) => ({
    outcome: 'authorized',
    providerReference: `manual_${paymentId}`,
  }),
  capture: async () => 'done',
  void: async () => 'done',
  refund: async () => 'done',
  parseNotification: async () => ({
    kind: 'malformed',
    errors: [{ path: '', message: 'nobody sends notifications about payments by hand' }],
  }),
}
