import { log } from '../../runtime/log.ts'
import { missingSecrets, offeredProviders, type ProviderName } from '../stores/payment-methods.ts'
import { manualProvider } from './manual-provider.ts'
import type { PaymentProvider } from './provider.ts'
import { stripeProvider } from './stripe-provider.ts'
import { testProvider } from './test-provider.ts'

const MAKE: Record<ProviderName, (env: Env) => PaymentProvider> = {
  test: () => testProvider,
  manual: () => manualProvider,
  stripe: stripeProvider,
}

/** The provider of that name that this deployment offers, or null. */
export function providerOf(env: Env, name: string): PaymentProvider | null {
  const offered = offeredProviders(env).find((one) => one === name)
  if (offered) return MAKE[offered](env)
  if (name === 'stripe' && (env.PAYMENTS ?? '').includes(name)) {
    log('error', 'Stripe is named in PAYMENTS and its secrets are missing', { missing: missingSecrets(env) })
  }
  return null
}
