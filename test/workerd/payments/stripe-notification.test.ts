import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { authorizePayment, capturePayment, undoPayment } from '../../../worker/payments/ask-provider.ts'
import { providerOf } from '../../../worker/payments/providers.ts'
import type { StripeAccount } from '../../support/stripe-account.ts'
import { laterRequest, newMerchant, newRequest } from './stripe-merchant.ts'

let account: StripeAccount
let env: Env
beforeEach(() => {
  const merchant = newMerchant()
  account = merchant.account
  env = merchant.env
})
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

const read = (body: string, signature?: string) => {
  const headers = new Headers(signature === undefined ? {} : { 'Stripe-Signature': signature })
  return providerOf(env, 'stripe')!.parseNotification(headers, body)
}

/** What each event of the account says, in order. */
async function told(): Promise<Record<string, string>> {
  const { events } = await account.state()
  const verdicts: Record<string, string> = {}
  for (const { type, body, signature } of events) {
    const verdict = await read(body, signature)
    verdicts[type] = verdict.kind === 'payment' ? verdict.notification.outcome : verdict.kind
  }
  return verdicts
}

describe('a notification of Stripe', () => {
  test('names the payment, itself and how it ended', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    const { events } = await account.state()
    const { body, signature } = events.at(-1)!
    const eventId = JSON.parse(body).id
    expect(await read(body, signature)).toEqual({
      kind: 'payment',
      notification: { paymentId: request.paymentId, eventId, outcome: 'succeeded' },
    })
  })

  test('counts when money is there or will not come, and nothing else', async () => {
    const request = newRequest()
    await authorizePayment(env, request)
    await capturePayment(env, laterRequest(request, 'capture'))
    await authorizePayment(env, newRequest('pm_card_visa_chargeDeclined'))
    const asking = newRequest('pm_card_threeDSecure2Required')
    await authorizePayment(env, asking)
    await undoPayment(env, laterRequest(asking, 'undo'))
    expect(await told()).toEqual({
      'payment_intent.created': 'ignored',
      'payment_intent.amount_capturable_updated': 'succeeded',
      'payment_intent.succeeded': 'succeeded',
      'payment_intent.payment_failed': 'failed',
      'payment_intent.requires_action': 'ignored',
      'payment_intent.canceled': 'failed',
    })
  })

  test('about a payment of another system on the same account is ignored', async () => {
    await authorizePayment(env, newRequest())
    const others = await account.signed({ type: 'payment_intent.succeeded', object: { metadata: {} } })
    expect((await read(others.body, others.signature)).kind).toBe('ignored')
    const foreign = await account.signed({
      type: 'payment_intent.succeeded',
      object: { metadata: { paymentId: '../orders' } },
    })
    expect((await read(foreign.body, foreign.signature)).kind).toBe('ignored')
    const other = await account.signed({ type: 'invoice.paid', object: {} })
    expect((await read(other.body, other.signature)).kind).toBe('ignored')
  })

  test('is believed only with the signature of this very text, made lately', async () => {
    await authorizePayment(env, newRequest())
    const { body, signature } = (await account.state()).events.at(-1)!
    const [time, v1, v0] = signature.split(',') as [string, string, string]
    const forged = body.replace('requires_capture', 'requires_payment')
    const otherSecret = await new Forger().sign(body)
    const attempts: [string, string | undefined][] = [
      [body, undefined],
      [body, ''],
      [body, 'nonsense'],
      [body, `${time},${v0}`],
      [body, v1],
      [body, `t=${Number(time.slice(2)) + 1},${v1}`],
      [forged, signature],
      [`${body} `, signature],
      [body, otherSecret],
    ]
    for (const [text, header] of attempts) {
      expect(await read(text, header), String(header)).toMatchObject({ kind: 'malformed' })
    }
    expect((await read(body, `${time},v1=${'0'.repeat(64)},${v1}`)).kind, 'while a secret is rolled').toBe(
      'payment',
    )
  })

  test('may be five minutes old and no more', async () => {
    await authorizePayment(env, newRequest())
    testClock.freeze(1_900_000_000_000)
    const sentAt = async (seconds: number) => {
      const { body, signature } = (await account.state(seconds)).events.at(-1)!
      return (await read(body, signature)).kind
    }
    expect(await sentAt(1_900_000_000 - 300)).toBe('payment')
    expect(await sentAt(1_900_000_000 - 301)).toBe('malformed')
  })
})

/** Somebody who knows the scheme and not the secret. */
class Forger {
  async sign(body: string): Promise<string> {
    const at = Math.floor(Date.now() / 1000)
    const text = new TextEncoder()
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', text.encode('whsec_guess'), algorithm, false, ['sign'])
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, text.encode(`${at}.${body}`)))
    return `t=${at},v1=${[...mac].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  }
}
