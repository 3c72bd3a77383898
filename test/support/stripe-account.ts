/** What goes wrong with the next calls whose `METHOD /path` fits `on`. */
export interface Fault {
  /** A regular expression. */
  on: string
  /** How often; once without it. */
  times?: number
  delayMs?: number
  /** Answered in place of the call's own answer; 5xx after the call began, so Stripe keeps it under the key. */
  status?: 409 | 429 | 500 | 503
  /** The connection breaks: before Stripe has heard, or after it did the work. */
  lost?: 'request' | 'answer'
}

export interface StripeIntent {
  id: string
  object: 'payment_intent'
  amount: number
  amount_capturable: number
  amount_received: number
  currency: string
  status: string
  capture_method: string
  client_secret: string
  metadata: Record<string, string>
  payment_method: string | null
  last_payment_error: object | null
  next_action: { type: string; redirect_to_url?: { url: string; return_url: string } } | null
}

export interface StripeRefund {
  id: string
  object: 'refund'
  payment_intent: string
  amount: number
  currency: string
  status: string
  metadata: Record<string, string>
}

export interface StripeCall {
  method: string
  path: string
  parameters: Record<string, string>
  key: string | null
  /** The answer was one that Stripe kept. */
  isReplay: boolean
}

interface StripeState {
  intents: StripeIntent[]
  refunds: StripeRefund[]
  calls: StripeCall[]
  events: { type: string; body: string; signature: string }[]
}

/** One merchant's account at the Stripe of the tests (stripe-server.ts): what tests look at and break. */
export class StripeAccount {
  readonly url: string
  readonly secretKey = `sk_test_${crypto.randomUUID().replaceAll('-', '')}`
  readonly webhookSecret = `whsec_${crypto.randomUUID().replaceAll('-', '')}`

  constructor(url: string) {
    this.url = url
  }

  /** The deployment's variables. */
  get variables() {
    return {
      STRIPE_SECRET_KEY: this.secretKey,
      STRIPE_PUBLISHABLE_KEY: 'pk_test_shown_to_all',
      STRIPE_WEBHOOK_SECRET: this.webhookSecret,
      STRIPE_API_HOST: this.url,
    }
  }

  async breakNext(...faults: Fault[]): Promise<void> {
    await this.#post('/_test/faults', JSON.stringify(faults))
  }

  /** Everything that Stripe knows; its events signed as if sent at `at` (seconds), now without it. */
  async state(at?: number): Promise<StripeState> {
    const answer = await this.#post('/_test/state', JSON.stringify({ secret: this.webhookSecret, at }))
    return answer.json() as Promise<StripeState>
  }

  /** An event of another making, signed as Stripe would. */
  async signed(event: { type: string; object: object }): Promise<{ body: string; signature: string }> {
    const answer = await this.#post('/_test/sign', JSON.stringify({ secret: this.webhookSecret, event }))
    return answer.json() as Promise<{ body: string; signature: string }>
  }

  /** Stripe forgets its idempotency keys. */
  async aDayLater(): Promise<void> {
    await this.#post('/_test/day-later', '')
  }

  /** The only payment. */
  async intent(): Promise<StripeIntent> {
    const { intents } = await this.state()
    if (intents.length !== 1) throw new Error(`${intents.length} payments in place of one`)
    return intents[0]!
  }

  /** Minor units that the merchant has in the end. */
  async money(): Promise<number> {
    const { intents, refunds } = await this.state()
    const received = intents.reduce((sum, { amount_received }) => sum + amount_received, 0)
    return refunds.reduce((sum, { amount }) => sum - amount, received)
  }

  /** The shopper at the bank's page. False: the page says that it is too late. */
  async atTheBank(url: string, outcome: 'succeeded' | 'failed'): Promise<boolean> {
    const body = new URLSearchParams({ outcome })
    return (await fetch(url, { method: 'POST', body })).status === 200
  }

  #post(path: string, body: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.secretKey}` }
    return fetch(this.url + path, { method: 'POST', headers, body })
  }
}
