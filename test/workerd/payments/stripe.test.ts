import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  authorizePayment,
  capturePayment,
  refundPayment,
  undoPayment,
} from '../../../worker/payments/ask-provider.ts'
import { staff } from '../../support/api.ts'
import type { Fault, StripeAccount } from '../../support/stripe-account.ts'
import { laterRequest, newMerchant, newRequest } from './stripe-merchant.ts'

let account: StripeAccount
let env: Env
beforeEach(() => {
  const merchant = newMerchant()
  account = merchant.account
  env = merchant.env
})
afterEach(() => vi.restoreAllMocks())

const calls = async () =>
  (await account.state()).calls.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)

describe('a payment by Stripe', () => {
  test('is authorized with its names and charged when it is captured', async () => {
    const request = newRequest()
    const result = await authorizePayment(env, request)
    const { id, status, metadata, amount, currency } = await account.intent()
    expect(result).toEqual({ outcome: 'authorized', providerReference: id })
    expect({ status, amount, currency }).toEqual({
      status: 'requires_capture',
      amount: 1999,
      currency: 'eur',
    })
    const [, store, purchaseId] = /^pay_(\w+)\.(\w+)\.1$/.exec(request.paymentId)!
    expect(metadata).toEqual({ store, purchaseId, paymentId: request.paymentId })
    expect(await account.money()).toBe(0)
    const capture = laterRequest(request, 'capture', id)
    expect(await capturePayment(env, capture)).toBe(true)
    expect(await capturePayment(env, capture)).toBe(true)
    expect(await account.money()).toBe(1999)
  })

  test('is the same payment however often it is asked for, and at the same time', async () => {
    const request = newRequest()
    const results = await Promise.all([1, 2, 3].map(() => authorizePayment(env, request)))
    const { id } = await account.intent()
    for (const result of results) expect(result).toEqual({ outcome: 'authorized', providerReference: id })
    await account.aDayLater()
    expect(await capturePayment(env, laterRequest(request, 'capture', id))).toBe(true)
    expect(await account.money()).toBe(1999)
  })

  test('is taken with a ConfirmationToken as with a PaymentMethod', async () => {
    expect((await authorizePayment(env, newRequest('ctoken_visa'))).outcome).toBe('authorized')
  })

  test('that knows no authorization is charged at once where the store captures by itself', async () => {
    const request = newRequest('pm_wallet')
    const result = await authorizePayment(env, request)
    expect([result.outcome, await account.money()]).toEqual(['authorized', 1999])
    expect(await capturePayment(env, laterRequest(request, 'capture'))).toBe(true)
    expect(await undoPayment(env, laterRequest(request, 'undo'))).toBe(true)
    expect(await account.money()).toBe(0)
  })

  test('waits for the staff, or is not taken, where the store captures by hand', async () => {
    const slug = `s-${crypto.randomUUID().slice(0, 8)}`
    await staff('PUT', `/v1/admin/stores/${slug}`, { name: 'By hand' })
    const shop = { capture: 'manual', storefrontUrl: 'https://shop.example/' }
    await staff('PATCH', '/v1/admin/store', shop, { store: slug })
    const ofStore = (token: string) => {
      const { paymentId, ...request } = newRequest(token, { returnUrl: null })
      const own = paymentId.replace('default', slug)
      return { ...request, paymentId: own, idempotencyKey: own }
    }
    expect((await authorizePayment(env, ofStore('pm_card_visa'))).outcome).toBe('authorized')
    const { capture_method, status } = await account.intent()
    expect([capture_method, status]).toEqual(['manual', 'requires_capture'])
    const refused = await authorizePayment(env, ofStore('pm_wallet'))
    expect(refused).toMatchObject({ outcome: 'declined', reason: 'payment_intent_invalid_parameter' })
    expect(await account.money()).toBe(0)
  })

  test.each([
    ['pm_card_visa_chargeDeclined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined'],
    ['pm_nobody_made_this', 'resource_missing'],
  ])('with %s is declined as %s, again under the same key', async (token, reason) => {
    const request = newRequest(token)
    const result = await authorizePayment(env, request)
    expect(result).toEqual({ outcome: 'declined', providerReference: expect.stringMatching(/^pi_/), reason })
    expect(await authorizePayment(env, request)).toEqual(result)
    expect(await account.money()).toBe(0)
  })

  test.each([
    ['a token that is none of Stripe', { token: 'tok_ok' }, 'token_unknown'],
    ['a token that would be another address', { token: 'pm_x/../../refunds' }, 'token_unknown'],
    ['no address to come back to', { returnUrl: null }, 'return_url_required'],
    ['thousandths', { amount: { amount: 5124, currency: 'KWD' } }, 'amount_not_representable'],
  ])('with %s is declined before anybody is charged', async (_, change, reason) => {
    const result = await authorizePayment(env, newRequest('pm_card_visa', change))
    expect(result).toEqual({ outcome: 'declined', providerReference: null, reason })
    expect((await account.state()).intents).toEqual([])
  })

  test('that is too small for Stripe is declined with its reason', async () => {
    const result = await authorizePayment(
      env,
      newRequest('pm_card_visa', { amount: { amount: 3, currency: 'EUR' } }),
    )
    expect(result).toMatchObject({ outcome: 'declined', reason: 'amount_too_small' })
  })

  test('that would take days is given up at once', async () => {
    const result = await authorizePayment(env, newRequest('pm_sepa'))
    expect(result).toMatchObject({ outcome: 'declined', reason: 'takes_too_long' })
    expect((await account.intent()).status).toBe('canceled')
  })

  test('that needs a second factor sends the shopper to the bank, and back', async () => {
    const result = await authorizePayment(env, newRequest('pm_card_threeDSecure2Required'))
    const { id, next_action } = await account.intent()
    const { url, return_url } = next_action!.redirect_to_url!
    expect(result).toEqual({ outcome: 'requires_action', providerReference: id, url })
    expect(return_url).toBe('https://shop.example/back')
  })
})

describe('a payment that is undone', () => {
  test.each([
    ['the request for the payment', { on: 'payment_intents$', lost: 'request' }],
    ['the answer with the payment', { on: 'payment_intents$', lost: 'answer' }],
    ['the request to charge', { on: 'confirm', lost: 'request' }],
    ['the answer to the charge', { on: 'confirm', lost: 'answer' }],
  ] satisfies [string, Fault][])(
    'without a reference, since %s was lost, holds no money',
    async (_, fault) => {
      await account.breakNext({ ...fault, times: 3 })
      const request = newRequest()
      expect(await authorizePayment(env, request)).toEqual({ outcome: 'unavailable' })
      await account.breakNext()
      expect(await undoPayment(env, laterRequest(request, 'undo'))).toBe(true)
      expect((await account.intent()).status).toBe('canceled')
      // A runner that was slow comes after all: it finds the payment cancelled.
      expect((await authorizePayment(env, request)).outcome).not.toBe('requires_action')
      expect((await account.intent()).status).toBe('canceled')
    },
  )

  test('that Stripe failed to make is given up, though Stripe repeats its failure for a day', async () => {
    await account.breakNext({ on: 'payment_intents$', status: 500 })
    const request = newRequest()
    expect(await authorizePayment(env, request)).toEqual({ outcome: 'unavailable' })
    expect(await undoPayment(env, laterRequest(request, 'undo'))).toBe(true)
    expect((await account.state()).intents).toEqual([])
  })

  test('days later is found although Stripe has forgotten the keys', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await account.aDayLater()
    expect(await undoPayment(env, laterRequest(request, 'undo'))).toBe(true)
    expect((await account.intent()).status).toBe('canceled')
  })

  test('is undone once, also when it was charged already', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await capturePayment(env, laterRequest(request, 'capture'))
    const undo = laterRequest(request, 'undo')
    expect(await undoPayment(env, undo)).toBe(true)
    await account.aDayLater()
    expect(await undoPayment(env, undo)).toBe(true)
    expect([await account.money(), (await account.state()).refunds.length]).toEqual([0, 1])
  })

  test('after the shopper has proved it is given back all the same', async () => {
    const request = newRequest('pm_card_threeDSecure2Required')
    const asked = await authorizePayment(env, request)
    if (asked.outcome !== 'requires_action') throw new Error(asked.outcome)
    await account.atTheBank(asked.url, 'succeeded')
    expect(await undoPayment(env, laterRequest(request, 'undo', asked.providerReference))).toBe(true)
    expect((await account.intent()).status).toBe('canceled')
    expect(await account.atTheBank(asked.url, 'succeeded')).toBe(false)
  })
})

describe('refunds', () => {
  test('are made once each, in parts, never beyond what was taken', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await capturePayment(env, laterRequest(request, 'capture'))
    const part = (what: string, amount: number) => ({
      ...laterRequest(request, what),
      providerReference: 'given below',
      amount: { amount, currency: 'EUR' },
    })
    const { id } = await account.intent()
    const first = { ...part('refund.1', 500), providerReference: id }
    expect(await refundPayment(env, first)).toBe(true)
    await account.aDayLater()
    expect(await refundPayment(env, first)).toBe(true)
    expect(await account.money()).toBe(1499)
    expect(await refundPayment(env, { ...part('refund.2', 1500), providerReference: id })).toBe(false)
    expect(await refundPayment(env, { ...part('refund.3', 1499), providerReference: id })).toBe(true)
    expect(await account.money()).toBe(0)
  })

  test('whose answer was lost are not made again', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await capturePayment(env, laterRequest(request, 'capture'))
    await account.breakNext({ on: 'POST .*refunds', lost: 'answer', times: 3 })
    const refund = laterRequest(request, 'refund.1')
    expect(await refundPayment(env, refund)).toBe(false)
    await account.breakNext()
    await account.aDayLater()
    expect(await refundPayment(env, refund)).toBe(true)
    expect((await account.state()).refunds).toHaveLength(1)
  })
})

describe('a Stripe that does not answer', () => {
  test.each([409, 429, 500, 503] as const)(
    'with %i makes the provider unavailable, not the payment declined',
    async (status) => {
      await account.breakNext({ on: 'confirm', status, times: 3 })
      expect(await authorizePayment(env, newRequest())).toEqual({ outcome: 'unavailable' })
    },
  )

  test('once is asked again under the same key, and nobody notices', async () => {
    await account.breakNext(
      { on: 'payment_intents$', lost: 'answer' },
      { on: 'confirm', status: 503, times: 0 },
    )
    expect((await authorizePayment(env, newRequest())).outcome).toBe('authorized')
    expect((await account.state()).intents).toHaveLength(1)
  })

  test('since our key is wrong makes it unavailable', async () => {
    const wrong = { ...env, STRIPE_SECRET_KEY: 'no key of Stripe' }
    expect(await authorizePayment(wrong, newRequest())).toEqual({ outcome: 'unavailable' })
  })

  test('leaves a capture to be tried again, which then takes the money once', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await account.breakNext({ on: 'capture', status: 500, times: 2 })
    expect(await capturePayment(env, laterRequest(request, 'capture'))).toBe(false)
    await account.breakNext({ on: 'capture', lost: 'answer', times: 3 })
    expect(await capturePayment(env, laterRequest(request, 'capture'))).toBe(false)
    await account.breakNext()
    expect(await capturePayment(env, laterRequest(request, 'capture'))).toBe(true)
    expect(await account.money()).toBe(1999)
  })
})

test('a payment that was cancelled at Stripe is not captured and asks for a person', async () => {
  const request = newRequest()
  await authorizePayment(env, request)
  await undoPayment(env, laterRequest(request, 'undo'))
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  expect(await capturePayment(env, laterRequest(request, 'capture'))).toBe(false)
  expect(error.mock.calls.join()).toContain('a person has to look')
})

test('no key and no token is ever logged', async () => {
  const lines: string[] = []
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)))
  }
  await authorizePayment({ ...env, STRIPE_SECRET_KEY: 'sk-of-nobody' }, newRequest('pm_secret_token'))
  await authorizePayment(env, newRequest('pm_secret_token'))
  await account.breakNext({ on: '.', lost: 'request', times: 9 })
  await authorizePayment(env, newRequest('pm_secret_token'))
  expect(lines.length).toBeGreaterThan(1)
  for (const word of [
    'sk-of-nobody',
    account.secretKey,
    account.webhookSecret,
    'pm_secret_token',
    'sk_test',
  ]) {
    expect(lines.join('\n')).not.toContain(word)
  }
  expect(await calls()).toContain('POST confirm')
})
