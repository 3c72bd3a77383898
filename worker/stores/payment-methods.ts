declare global {
  /** Secrets of providers that a deployment may do without, so `wrangler types` does not know them. */
  interface Env {
    STRIPE_SECRET_KEY?: string
    /** Shown to every shopper: it can start a payment and read nothing. */
    STRIPE_PUBLISHABLE_KEY?: string
    STRIPE_WEBHOOK_SECRET?: string
    /** Where a local build finds Stripe in place of api.stripe.com; a deployed build does not read it. */
    STRIPE_API_HOST?: string
  }
}

/** A way to pay that the store offers, with the key a storefront may know. */
export interface PaymentMethod {
  provider: string
  publicKey?: string
}

/** What `PAYMENTS` may name. */
const PROVIDERS = ['test', 'manual', 'stripe'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** The secrets without which Stripe is not offered: a payment that cannot be notified of would take money for nothing. */
const STRIPE_SECRETS = ['STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRET'] as const

export function paymentMethods(env: Env): PaymentMethod[] {
  return offeredProviders(env).map((provider) =>
    provider === 'stripe' ? { provider, publicKey: env.STRIPE_PUBLISHABLE_KEY } : { provider },
  )
}

/**
 * The providers that `PAYMENTS` names (`test,manual,stripe`), in its order. The test provider gives goods away: it is
 * there in local builds and where it is named, nowhere else. A name that is not known or not set up is not offered.
 */
export function offeredProviders(env: Env): ProviderName[] {
  const named = (env.PAYMENTS ?? '').split(',').map((name) => name.trim())
  const wanted = new Set(HOLDFAST_LOCAL ? ['test', ...named] : named)
  return [...wanted].filter(isKnown).filter((name) => name !== 'stripe' || missingSecrets(env).length === 0)
}

/** Which secrets Stripe still needs here. */
export function missingSecrets(env: Env): string[] {
  return STRIPE_SECRETS.filter((name) => !env[name])
}

function isKnown(name: string): name is ProviderName {
  return (PROVIDERS as readonly string[]).includes(name)
}
