import type Stripe from 'stripe'
import { parsePaymentId } from '../../schema/ids.ts'
import type { AuthorizeRequest, PaymentRequest } from '../../schema/rpc/purchase.ts'
import { stripeAmount } from './stripe-amount.ts'
import { faultOf, isKeptFailure } from './stripe-errors.ts'

/**
 * The PaymentIntent of a payment: made without means of payment and not confirmed, so that it can charge nobody, from
 * what each later request knows too. Asked again under the payment's id, Stripe answers the same one: whoever lost the
 * first answer finds the payment, or makes one that never had money and cancels it. Null: the amount cannot be said.
 */
export async function makeIntent(
  client: Stripe,
  { paymentId, amount }: Pick<AuthorizeRequest, 'paymentId' | 'amount'>,
): Promise<string | null> {
  const units = stripeAmount(amount)
  if (units === null) return null
  const { store = '', purchaseId = '' } = parsePaymentId(paymentId) ?? {}
  const intent = await client.paymentIntents.create(
    {
      amount: units,
      currency: amount.currency.toLowerCase(),
      metadata: { store, purchaseId, paymentId },
    },
    { idempotencyKey: paymentId },
  )
  return intent.id
}

/**
 * Which PaymentIntent a request is about. Without a reference: by Stripe's search, which knows a payment from about a
 * minute after it was made and for ever; before that by asking for it anew, which Stripe remembers for a day or more.
 * Null: there is none, or none that anybody was ever told of and could have charged.
 */
export async function findIntent(client: Stripe, request: PaymentRequest): Promise<string | null> {
  if (request.providerReference) return request.providerReference
  const found = await searchIntent(client, request.paymentId)
  if (found) return found
  try {
    return await makeIntent(client, request)
  } catch (error) {
    if (isKeptFailure(error)) return null
    throw error
  }
}

async function searchIntent(client: Stripe, paymentId: string): Promise<string | null> {
  try {
    // The id is one of ours: letters, digits, dots, dashes and underscores.
    const query = `metadata['paymentId']:'${paymentId}'`
    const found = await client.paymentIntents.search({ query, limit: 1 })
    return found.data[0]?.id ?? null
  } catch (error) {
    // Stripe has no search for accounts of some countries.
    if (faultOf(error).kind === 'refused') return null
    throw error
  }
}
