import Stripe from 'stripe'

/** Below the time that a question to a provider has (ask-provider.ts), so that a slow call is told from a lost one. */
const CALL_TIMEOUT_MS = 7_000
/** The SDK's own second try, under the same idempotency key: most lost connections are gone by then. */
const RETRIES_MAX = 1

/** Clients of this isolate by what they are made of: making one sets up every resource of the SDK. */
const clients = new Map<string, Stripe>()

export function stripeClient(env: Env): Stripe {
  const secretKey = env.STRIPE_SECRET_KEY ?? ''
  const host = HOLDFAST_LOCAL ? (env.STRIPE_API_HOST ?? '') : ''
  const name = `${host} ${secretKey}`
  const client = clients.get(name) ?? newClient(secretKey, host)
  clients.set(name, client)
  return client
}

function newClient(secretKey: string, host: string): Stripe {
  return new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(),
    timeout: CALL_TIMEOUT_MS,
    maxNetworkRetries: RETRIES_MAX,
    telemetry: false,
    ...(host && hostOptions(new URL(host))),
  })
}

function hostOptions({ hostname, port, protocol }: URL) {
  return { host: hostname, port, protocol: protocol === 'http:' ? ('http' as const) : ('https' as const) }
}
