import { env } from 'cloudflare:workers'
import { inject } from 'vitest'
import { newCart, paymentId } from '../../../schema/ids.ts'
import type { AuthorizeRequest, PaymentRequest } from '../../../schema/rpc/purchase.ts'
import { StripeAccount } from '../../support/stripe-account.ts'

/** A deployment that offers Stripe, with an account of its own there. */
export function newMerchant(): { account: StripeAccount; env: Env } {
  const account = new StripeAccount(inject('stripe'))
  return { account, env: { ...env, PAYMENTS: 'stripe', ...account.variables } }
}

/** What a checkout asks for, of a purchase that nobody has seen. */
export function newRequest(token = 'pm_card_visa', change: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const { purchaseId } = newCart(Date.now())
  const id = paymentId({ store: 'default', purchaseId, attempt: 1 })
  return {
    provider: 'stripe',
    paymentId: id,
    token,
    returnUrl: 'https://shop.example/back',
    amount: { amount: 1999, currency: 'EUR' },
    idempotencyKey: id,
    ...change,
  }
}

/** What is asked about it later; without a reference, as after an answer that was lost. */
export function laterRequest(
  { paymentId: id, amount }: AuthorizeRequest,
  what: string,
  providerReference: string | null = '',
): PaymentRequest {
  return {
    provider: 'stripe',
    paymentId: id,
    providerReference: providerReference ?? '',
    amount,
    idempotencyKey: `${id}.${what}`,
  }
}
