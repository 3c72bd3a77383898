import type { StripeIntent, StripeRefund } from './stripe-account.ts'
import { accountWith, changed, newStripeId, type StripeBooks } from './stripe-books.ts'

export interface StripeReply {
  status: number
  body: object
  headers?: Record<string, string>
}

export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  contentType: string
  text: string
  key: string | null
  origin: string
  /** A fault in place of the answer. */
  status: number | null
}

type Parameters = Record<string, string>

/** Parameters that each call takes here; Stripe refuses others by name. */
const TAKES: Record<string, RegExp> = {
  create: /^(amount|currency|metadata\[\w+\])$/,
  confirm:
    /^(payment_method|confirmation_token|return_url|capture_method|payment_method_options\[(card|link)\]\[capture_method\])$/,
  capture: /^amount_to_capture$/,
  cancel: /^$/,
  refund: /^(payment_intent|amount|metadata\[\w+\])$/,
}

/** Means of payment: those of Stripe's test mode, and some whose ways differ. */
const MEANS: Record<string, { type: string; does: 'pays' | 'asks' | 'waits' | string }> = {
  pm_card_visa: { type: 'card', does: 'pays' },
  ctoken_visa: { type: 'card', does: 'pays' },
  pm_card_threeDSecure2Required: { type: 'card', does: 'asks' },
  pm_card_visa_chargeDeclined: { type: 'card', does: 'generic_decline' },
  pm_card_visa_chargeDeclinedInsufficientFunds: { type: 'card', does: 'insufficient_funds' },
  pm_card_visa_chargeDeclinedStolenCard: { type: 'card', does: 'stolen_card' },
  pm_wallet: { type: 'twint', does: 'pays' },
  pm_bank: { type: 'ideal', does: 'asks' },
  pm_sepa: { type: 'sepa_debit', does: 'waits' },
}
const CANCELLABLE = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
]

/** One call under its idempotency key (docs.stripe.com/api/idempotent_requests). */
export function answerApi(account: StripeBooks, request: ApiRequest): StripeReply {
  const { method, path, key } = request
  const parameters = Object.fromEntries(new URLSearchParams(method === 'POST' ? request.text : request.query))
  const fingerprint = JSON.stringify([path, parameters])
  const kept = method === 'POST' && key ? account.kept.get(key) : undefined
  account.calls.push({ method, path, parameters, key, isReplay: kept !== undefined })
  if (kept) {
    if (kept.request === fingerprint) return { ...kept.reply, headers: { 'idempotent-replayed': 'true' } }
    return refusal(
      400,
      'idempotency_error',
      'Keys for idempotent requests can only be used with the same parameters',
    )
  }
  if (request.status === 409)
    return refusal(409, 'idempotency_error', 'In progress', 'idempotency_key_in_use')
  if (request.status === 429) return refusal(429, 'invalid_request_error', 'Too many requests', 'rate_limit')
  if (method === 'POST' && !request.contentType.startsWith('application/x-www-form-urlencoded')) {
    return refusal(400, 'invalid_request_error', 'Send forms')
  }
  const reply = request.status
    ? refusal(request.status, 'api_error', 'Something went wrong on our end')
    : routed(account, request, parameters)
  // Kept from the moment that the work begins: refusals of the parameters come before it.
  const hasBegun = reply.status < 400 || reply.status === 402 || reply.status >= 500
  if (method === 'POST' && key && hasBegun) account.kept.set(key, { request: fingerprint, reply })
  return reply
}

function routed(
  account: StripeBooks,
  { method, path, origin }: ApiRequest,
  parameters: Parameters,
): StripeReply {
  const [, kind, id, what] = /^\/v1\/(payment_intents|refunds)(?:\/(\w+))?(?:\/(\w+))?$/.exec(path) ?? []
  const call = `${method} ${kind}`
  if (call === 'GET refunds') {
    return ok(list(account.refunds.filter((one) => one.payment_intent === parameters.payment_intent)))
  }
  if (call === 'POST refunds') return refund(account, parameters)
  if (call === 'GET payment_intents' && id === 'search') return search(account, parameters.query ?? '')
  if (call === 'POST payment_intents' && !id) return create(account, parameters)
  const intent = account.intents.get(id ?? '')
  if (!intent) return missing('intent', `No such payment_intent: '${id}'`)
  if (call === 'GET payment_intents') return ok(intent)
  const unknown = unknownParameter(what ?? '', parameters)
  if (unknown) return unknown
  if (what === 'confirm') return confirm(account, intent, parameters, origin)
  if (what === 'capture') return capture(account, intent, parameters)
  if (what === 'cancel') return cancel(account, intent)
  return missing('url', 'Unrecognized request URL')
}

function create(account: StripeBooks, parameters: Parameters): StripeReply {
  const unknown = unknownParameter('create', parameters)
  if (unknown) return unknown
  const amount = wholeNumber(parameters.amount)
  if (amount === null) return invalid('parameter_invalid_integer', 'amount')
  if (amount < 50) return invalid('amount_too_small', 'amount')
  if (!/^[a-z]{3}$/.test(parameters.currency ?? '')) return invalid('parameter_invalid', 'currency')
  const id = newStripeId('pi')
  const intent: StripeIntent = {
    id,
    object: 'payment_intent',
    amount,
    amount_capturable: 0,
    amount_received: 0,
    currency: parameters.currency!,
    status: 'requires_payment_method',
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${newStripeId('x')}`,
    metadata: metadataOf(parameters),
    payment_method: null,
    last_payment_error: null,
    next_action: null,
  }
  return ok(changed(account, intent, {}, 'payment_intent.created'))
}

function confirm(
  account: StripeBooks,
  intent: StripeIntent,
  parameters: Parameters,
  origin: string,
): StripeReply {
  if (!['requires_payment_method', 'requires_confirmation'].includes(intent.status)) return unexpected(intent)
  // Stripe's default: the means of payment are those of the dashboard, and some of them redirect.
  if (!parameters.return_url) return invalid('parameter_missing', 'return_url')
  const token = parameters.payment_method ?? parameters.confirmation_token ?? ''
  const means = MEANS[token]
  if (!means) return missing('payment_method', `No such PaymentMethod: '${token}'`)
  const own = parameters[`payment_method_options[${means.type}][capture_method]`]
  const chosen = { payment_method: token, capture_method: own ?? parameters.capture_method ?? 'automatic' }
  if (chosen.capture_method === 'manual' && means.type !== 'card') {
    return invalid('payment_intent_invalid_parameter', 'capture_method')
  }
  switch (means.does) {
    case 'pays':
      return ok(paid(account, { ...intent, ...chosen }))
    case 'waits':
      return ok(changed(account, intent, { ...chosen, status: 'processing' }, 'payment_intent.processing'))
    case 'asks': {
      const redirect = { url: `${origin}/bank/${intent.id}`, return_url: parameters.return_url }
      const next_action = { type: 'redirect_to_url', redirect_to_url: redirect }
      const asking = { ...chosen, status: 'requires_action', next_action }
      return ok(changed(account, intent, asking, 'payment_intent.requires_action'))
    }
    default:
      return declined(account, { ...intent, ...chosen }, means.does)
  }
}

function paid(account: StripeBooks, intent: StripeIntent): StripeIntent {
  const { amount } = intent
  const done = { next_action: null, last_payment_error: null }
  return intent.capture_method === 'manual'
    ? changed(
        account,
        intent,
        { ...done, status: 'requires_capture', amount_capturable: amount },
        'payment_intent.amount_capturable_updated',
      )
    : changed(
        account,
        intent,
        { ...done, status: 'succeeded', amount_received: amount },
        'payment_intent.succeeded',
      )
}

function declined(account: StripeBooks, intent: StripeIntent, decline_code: string): StripeReply {
  const error = {
    type: 'card_error',
    code: 'card_declined',
    decline_code,
    message: 'Your card was declined.',
  }
  const failed = { status: 'requires_payment_method', payment_method: null, last_payment_error: error }
  const payment_intent = changed(account, intent, failed, 'payment_intent.payment_failed')
  return { status: 402, body: { error: { ...error, payment_intent } } }
}

/** The bank's page. Null: too late, there is nothing to decide any more. */
export function bankDecides(intentId: string, outcome: 'succeeded' | 'failed'): string | null {
  const account = accountWith(intentId)
  const intent = account?.intents.get(intentId)
  if (!account || intent?.status !== 'requires_action') return null
  const location = new URL(intent.next_action!.redirect_to_url!.return_url)
  location.searchParams.set('payment_intent', intent.id)
  location.searchParams.set('redirect_status', outcome)
  if (outcome === 'succeeded') paid(account, intent)
  else {
    const error = { type: 'invalid_request_error', code: 'payment_intent_authentication_failure' }
    const failed = { status: 'requires_payment_method', next_action: null, last_payment_error: error }
    changed(account, intent, failed, 'payment_intent.payment_failed')
  }
  return location.href
}

function capture(account: StripeBooks, intent: StripeIntent, { amount_to_capture }: Parameters): StripeReply {
  if (intent.status !== 'requires_capture') return unexpected(intent)
  const amount = wholeNumber(amount_to_capture) ?? intent.amount_capturable
  if (amount > intent.amount_capturable) return invalid('amount_too_large', 'amount_to_capture')
  const taken = { status: 'succeeded', amount_capturable: 0, amount_received: amount }
  return ok(changed(account, intent, taken, 'payment_intent.succeeded'))
}

function cancel(account: StripeBooks, intent: StripeIntent): StripeReply {
  if (!CANCELLABLE.includes(intent.status)) return unexpected(intent)
  const given = { status: 'canceled', amount_capturable: 0, next_action: null }
  return ok(changed(account, intent, given, 'payment_intent.canceled'))
}

function refund(account: StripeBooks, parameters: Parameters): StripeReply {
  const unknown = unknownParameter('refund', parameters)
  if (unknown) return unknown
  const intent = account.intents.get(parameters.payment_intent ?? '')
  if (!intent) return missing('payment_intent', 'No such payment_intent')
  const given = account.refunds.filter((one) => one.payment_intent === intent.id)
  const left = given.reduce((rest, { amount }) => rest - amount, intent.amount_received)
  const amount = wholeNumber(parameters.amount) ?? left
  if (intent.status === 'succeeded' && left === 0) return invalid('charge_already_refunded', 'payment_intent')
  if (amount <= 0 || amount > left) return invalid('amount_too_large', 'amount')
  const made: StripeRefund = {
    id: newStripeId('re'),
    object: 'refund',
    payment_intent: intent.id,
    amount,
    currency: intent.currency,
    status: 'succeeded',
    metadata: metadataOf(parameters),
  }
  account.refunds.push(made)
  return ok(made)
}

function search(account: StripeBooks, query: string): StripeReply {
  const paymentId = /^metadata\['paymentId'\]:'([^']+)'$/.exec(query)?.[1]
  if (!paymentId) return invalid('parameter_invalid', 'query')
  const found = [...account.intents.values()].filter(({ metadata }) => metadata.paymentId === paymentId)
  return ok({ object: 'search_result', data: found, has_more: false, next_page: null, url: '' })
}

const ok = (body: object): StripeReply => ({ status: 200, body })
const list = (data: object[]) => ({ object: 'list', data, has_more: false, url: '' })

function refusal(status: number, type: string, message: string, code?: string, param?: string): StripeReply {
  return { status, body: { error: { type, message, ...(code && { code }), ...(param && { param }) } } }
}

const invalid = (code: string, param: string) =>
  refusal(400, 'invalid_request_error', `Invalid ${param}`, code, param)
const missing = (param: string, message: string) =>
  refusal(404, 'invalid_request_error', message, 'resource_missing', param)
const unexpected = (intent: StripeIntent) =>
  refusal(
    400,
    'invalid_request_error',
    `This PaymentIntent could not be changed because it has a status of ${intent.status}.`,
    'payment_intent_unexpected_state',
  )

function unknownParameter(call: string, parameters: Parameters): StripeReply | null {
  const unknown = Object.keys(parameters).find((name) => !TAKES[call]?.test(name))
  return unknown === undefined ? null : invalid('parameter_unknown', unknown)
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null
}

function metadataOf(parameters: Parameters): Record<string, string> {
  const entries = Object.entries(parameters).flatMap(([name, value]) => {
    const key = /^metadata\[(\w+)\]$/.exec(name)?.[1]
    return key ? [[key, value] as const] : []
  })
  return Object.fromEntries(entries)
}
