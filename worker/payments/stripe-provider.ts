import type Stripe from 'stripe'
import { log } from '../../runtime/log.ts'
import { parsePaymentId } from '../../schema/ids.ts'
import type { AuthorizeRequest, AuthorizeResult, PaymentRequest } from '../../schema/rpc/purchase.ts'
import { loadStore } from '../stores/load-store.ts'
import type { PaymentProvider, SettleVerdict } from './provider.ts'
import { stripeAmount } from './stripe-amount.ts'
import { stripeClient } from './stripe-client.ts'
import { faultOf, quietReason, withoutSecrets } from './stripe-errors.ts'
import { findIntent, makeIntent } from './stripe-intents.ts'
import { parseStripeEvent } from './stripe-notification.ts'

type Declined = Extract<AuthorizeResult, { outcome: 'declined' }>

/** Stripe through PaymentIntents; the shopper's token is a PaymentMethod or a ConfirmationToken of Stripe.js. */
export function stripeProvider(env: Env): PaymentProvider {
  const client = stripeClient(env)
  return {
    name: 'stripe',
    authorize: (request) => telling(() => authorize(env, client, request)),
    capture: (request) => telling(() => capture(client, request)),
    void: (request) => telling(() => cancel(client, request)),
    refund: (request) => telling(() => refund(client, request)),
    parseNotification: (headers, text) =>
      parseStripeEvent(client, env.STRIPE_WEBHOOK_SECRET ?? '', headers, text),
  }
}

/** What Stripe did not answer is thrown, for `ask-provider.ts` to call weather. */
async function telling<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    throw withoutSecrets(error)
  }
}

async function authorize(env: Env, client: Stripe, request: AuthorizeRequest): Promise<AuthorizeResult> {
  const means = meansOf(request.token)
  if (!means) return declined(null, 'token_unknown')
  const store = await loadStore(env, parsePaymentId(request.paymentId)?.store ?? '')
  const returnUrl = request.returnUrl ?? store?.storefrontUrl
  // A bank may ask the shopper for a second factor, and Stripe would not know where to send them afterwards.
  if (!returnUrl) return declined(null, 'return_url_required')
  let id: string | null = null
  try {
    id = await makeIntent(client, request)
    if (!id) return declined(null, 'amount_not_representable')
    const intent = await client.paymentIntents.confirm(
      id,
      { ...means, ...captureOf(store?.capture ?? 'automatic'), return_url: returnUrl },
      { idempotencyKey: `${request.idempotencyKey}.confirm` },
    )
    return await resultOf(client, intent)
  } catch (error) {
    const fault = faultOf(error)
    if (fault.kind === 'weather') throw error
    // A token that Stripe does not know is the shopper's affair.
    if (fault.kind === 'refused' && fault.reason !== 'resource_missing') {
      const { reason, parameter } = fault
      log('error', 'Stripe refuses a payment', { paymentId: request.paymentId, reason, parameter })
    }
    return declined(id, fault.reason)
  }
}

function meansOf(
  token: string,
): Pick<Stripe.PaymentIntentConfirmParams, 'payment_method' | 'confirmation_token'> | null {
  if (!/^(pm|ctoken)_[A-Za-z0-9_]{1,250}$/.test(token)) return null
  return token.startsWith('pm_') ? { payment_method: token } : { confirmation_token: token }
}

/**
 * Cards are authorized first and charged once all stock is allocated, so that nobody has to be refunded for goods that
 * ran out; ways to pay that know no authorization are charged at once, where the store captures by itself.
 */
function captureOf(
  capture: 'automatic' | 'manual',
): Pick<Stripe.PaymentIntentConfirmParams, 'capture_method' | 'payment_method_options'> {
  if (capture === 'manual') return { capture_method: 'manual' }
  return {
    capture_method: 'automatic',
    payment_method_options: { card: { capture_method: 'manual' } },
  }
}

async function resultOf(client: Stripe, intent: Stripe.PaymentIntent): Promise<AuthorizeResult> {
  const providerReference = intent.id
  switch (intent.status) {
    case 'requires_capture':
    case 'succeeded':
      return { outcome: 'authorized', providerReference }
    case 'requires_payment_method': {
      const { decline_code, code } = intent.last_payment_error ?? {}
      return declined(providerReference, quietReason(decline_code ?? code ?? 'declined'))
    }
    case 'requires_action': {
      const url = intent.next_action?.redirect_to_url?.url
      if (url) return { outcome: 'requires_action', providerReference, url }
      break
    }
  }
  // Vouchers, bank debits that take days: more than a checkout waits for. Given up before it can become money.
  await client.paymentIntents.cancel(intent.id).catch(() => {})
  return declined(providerReference, intent.status === 'canceled' ? 'canceled' : 'takes_too_long')
}

function declined(providerReference: string | null, reason: string): Declined {
  return { outcome: 'declined', providerReference, reason }
}

async function capture(client: Stripe, request: PaymentRequest): Promise<SettleVerdict> {
  const amount = stripeAmount(request.amount)
  const id = await findIntent(client, request)
  if (amount === null || !id) return 'refused'
  // No idempotency key: an intent is captured once whoever asks, and under a key Stripe would repeat a failure for a day.
  const change = () => client.paymentIntents.capture(id, { amount_to_capture: amount })
  const status = await statusAfter(client, id, request, 'capture', change)
  if (status === 'processing') return 'unavailable'
  return status === 'succeeded' ? 'done' : 'refused'
}

async function cancel(client: Stripe, request: PaymentRequest): Promise<SettleVerdict | 'captured'> {
  const id = await findIntent(client, request)
  // There never was one that could have had money.
  if (!id) return 'done'
  const change = () => client.paymentIntents.cancel(id)
  const status = await statusAfter(client, id, request, 'cancel', change)
  if (status === 'canceled') return 'done'
  if (status === 'succeeded') return 'captured'
  return status === null ? 'refused' : 'unavailable'
}

/** How the intent stands after a change of which Stripe may say that it came too late. Null: there is no such intent. */
async function statusAfter(
  client: Stripe,
  id: string,
  { paymentId }: PaymentRequest,
  what: string,
  change: () => Promise<Stripe.PaymentIntent>,
): Promise<Stripe.PaymentIntent.Status | null> {
  try {
    return (await change()).status
  } catch (error) {
    const fault = faultOf(error)
    if (fault.kind === 'weather') throw error
    log('warn', 'Stripe refuses a change of a payment', { paymentId, what, reason: fault.reason })
    if (fault.reason === 'resource_missing') return null
    return (await client.paymentIntents.retrieve(id)).status
  }
}

/** Looked for before it is made: Stripe forgets idempotency keys after a day, and a retry may come later. */
async function refund(client: Stripe, request: PaymentRequest): Promise<SettleVerdict> {
  const { paymentId, idempotencyKey } = request
  const amount = stripeAmount(request.amount)
  const id = await findIntent(client, request)
  if (amount === null || !id) return 'refused'
  const made = await client.refunds.list({ payment_intent: id, limit: 100 })
  const known = made.data.find(({ metadata }) => metadata?.request === idempotencyKey)
  if (known) return refundVerdict(known)
  try {
    const metadata = { paymentId, request: idempotencyKey }
    return refundVerdict(
      await client.refunds.create({ payment_intent: id, amount, metadata }, { idempotencyKey }),
    )
  } catch (error) {
    const fault = faultOf(error)
    if (fault.kind === 'weather') throw error
    if (fault.reason === 'charge_already_refunded') return 'done'
    log('error', 'Stripe refuses a refund', { paymentId, reason: fault.reason })
    return 'refused'
  }
}

function refundVerdict({ status }: Stripe.Refund): SettleVerdict {
  return status === 'failed' || status === 'canceled' ? 'refused' : 'done'
}
