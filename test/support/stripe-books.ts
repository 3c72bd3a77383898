import type { Fault, StripeCall, StripeIntent, StripeRefund } from './stripe-account.ts'

export interface StripeEvent {
  id: string
  object: 'event'
  type: string
  created: number
  data: { object: StripeIntent }
}

/** What Stripe keeps under an idempotency key. */
export interface KeptReply {
  request: string
  reply: { status: number; body: object }
}

/** All that Stripe knows of one account. */
export interface StripeBooks {
  intents: Map<string, StripeIntent>
  refunds: StripeRefund[]
  events: StripeEvent[]
  kept: Map<string, KeptReply>
  calls: StripeCall[]
  faults: Fault[]
}

const accounts = new Map<string, StripeBooks>()

/** The account of a secret key, opened when it is first seen. */
export function accountOf(secretKey: string | undefined): StripeBooks | null {
  if (!secretKey) return null
  const known = accounts.get(secretKey)
  if (known) return known
  const opened: StripeBooks = {
    intents: new Map(),
    refunds: [],
    events: [],
    kept: new Map(),
    calls: [],
    faults: [],
  }
  accounts.set(secretKey, opened)
  return opened
}

/** The account that has an intent, for the bank's page, which knows no key. */
export function accountWith(intentId: string): StripeBooks | null {
  return [...accounts.values()].find(({ intents }) => intents.has(intentId)) ?? null
}

export function newStripeId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`
}

/** Changes an intent; an event shows it as it is then. */
export function changed(
  account: StripeBooks,
  intent: StripeIntent,
  change: Partial<StripeIntent>,
  type?: string,
): StripeIntent {
  const next = { ...intent, ...change }
  account.intents.set(next.id, next)
  if (type) {
    const created = Math.floor(Date.now() / 1000)
    account.events.push({ id: newStripeId('evt'), object: 'event', type, created, data: { object: next } })
  }
  return next
}
