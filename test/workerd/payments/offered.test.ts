import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { providerOf } from '../../../worker/payments/providers.ts'
import { paymentMethods } from '../../../worker/stores/payment-methods.ts'

const STRIPE = {
  STRIPE_SECRET_KEY: 'sk_test_secret',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_shown',
  STRIPE_WEBHOOK_SECRET: 'whsec_secret',
}
const deployment = (PAYMENTS: string, secrets: Partial<Env> = {}): Env => ({ ...env, PAYMENTS, ...secrets })
const offered = (PAYMENTS: string, secrets: Partial<Env> = {}) => {
  const methods = paymentMethods(deployment(PAYMENTS, secrets))
  // Tests are a local build, which always has the test provider.
  return methods.filter(({ provider }) => provider !== 'test')
}

afterEach(() => vi.restoreAllMocks())

test('payment methods are those that PAYMENTS names, in its order, with the key that shoppers may know', () => {
  expect(offered('test')).toEqual([])
  expect(offered('manual')).toEqual([{ provider: 'manual' }])
  expect(offered(' stripe, manual,', STRIPE)).toEqual([
    { provider: 'stripe', publicKey: 'pk_test_shown' },
    { provider: 'manual' },
  ])
  expect(offered('manual,manual,moneybag')).toEqual([{ provider: 'manual' }])
  expect(JSON.stringify(paymentMethods(deployment('test,manual,stripe', STRIPE)))).not.toContain('secret')
})

test.each(Object.keys(STRIPE))('Stripe without %s is not offered, and says what is missing', (name) => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  const secrets = { ...STRIPE, [name]: undefined }
  expect(offered('stripe', secrets)).toEqual([])
  expect(providerOf(deployment('stripe', secrets), 'stripe')).toBeNull()
  expect(error.mock.calls.join()).toContain(name)
  expect(error.mock.calls.join()).not.toContain('_secret')
})

test('a provider that is set up and not named is not offered', () => {
  expect(providerOf(deployment('test', STRIPE), 'stripe')).toBeNull()
  expect(providerOf(deployment('test'), 'manual')).toBeNull()
})
