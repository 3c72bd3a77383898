import type { PaymentProvider } from './provider.ts'
import { testProvider } from './test-provider.ts'

/** The provider of that name that this deployment offers, or null. */
export function providerOf(env: Env, name: string): PaymentProvider | null {
  return paymentProviders(env).find((provider) => provider.name === name) ?? null
}

/** The test provider gives goods away, so a deployed build offers it only when its merchant says so. */
function paymentProviders(env: Env): PaymentProvider[] {
  return HOLDFAST_LOCAL || env.PAYMENTS === 'test' ? [testProvider] : []
}
