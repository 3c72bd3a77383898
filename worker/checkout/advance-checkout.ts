import { type EpochMs, now } from '../../runtime/clock.ts'
import { log } from '../../runtime/log.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import {
  type CheckoutAnswer,
  type CheckoutStep,
  LEASE_MS,
  type Lease,
  type PurchaseRpc,
} from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { customerKeyOf } from '../carts/customer-key.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { authorizePayment, capturePayment, undoPayment } from '../payments/ask-provider.ts'
import { readFreshFacts } from './read-fresh-facts.ts'

/** The longest way (a hold lost at the last moment, then undone) has 8 steps; more than this is a bug, not patience. */
const STEPS_MAX = 24

export type Progress =
  /** The attempt is finished, or waits for the shopper or the provider. */
  | { kind: 'answered'; answer: CheckoutAnswer }
  /** Another runner has the lease until `retryAt`, and goes on. */
  | { kind: 'busy'; retryAt: EpochMs }

/** Whom a runner works for, from its first step to its last. */
interface Run {
  env: Env
  store: StoreRef
  purchaseId: string
  lease: Lease
}

/**
 * Takes an attempt (null: the purchase's newest) as far as it goes: takes the lease, does the next step, records it,
 * until it is done or blocked. The shopper's request, the provider's notification and the purchase's alarm all call
 * this; the lease lets one of them work, the record lets any other go on where it stopped. Never throws.
 */
export async function advanceCheckout(
  env: Env,
  store: StoreRef,
  purchaseId: string,
  attempt: number | null = null,
): Promise<Progress> {
  const taken = await askPurchase(env, store, purchaseId, (purchase) => purchase.takeCheckout({ attempt }))
  if (!taken.ok) return blocked(taken)
  const run = { env, store, purchaseId, lease: taken.lease }
  let { step } = taken
  for (let done = 0; done < STEPS_MAX; done++) {
    if (step.do === 'wait' || step.do === 'finished') return { kind: 'answered', answer: step.answer }
    const outcome = await take(run, step)
    if (!outcome.ok) return blocked(outcome)
    step = outcome.step
  }
  log('error', 'checkout takes no end', { store: store.slug, purchaseId, step: step.do })
  return blocked(refuse('unavailable'))
}

function blocked(refusal: Refusal): Progress {
  if (refusal.code !== 'lease_lost') return { kind: 'answered', answer: { kind: 'refused', refusal } }
  const retryAt = refusal.facts?.retryAt
  return { kind: 'busy', retryAt: typeof retryAt === 'number' ? retryAt : now() + LEASE_MS }
}

type OpenStep = Exclude<CheckoutStep, { do: 'wait' | 'finished' }>

/** One step: the outside is asked first, then what it said is recorded under the lease. */
async function take(run: Run, step: OpenStep): Promise<Outcome<{ step: CheckoutStep }>> {
  const { env, lease } = run
  switch (step.do) {
    case 'reprice': {
      const fresh = await readFreshFacts(env, run.store, step)
      if (!fresh.ok) return fresh
      const { facts, terms, discounts } = fresh
      const customer = await customerKeyOf(env, run.store, { customerId: null, email: step.email })
      return record(run, (it) => it.reprice({ lease, facts, terms, customer, discounts }))
    }
    case 'hold':
      return record(run, (it) => it.hold({ lease }))
    case 'authorize': {
      const result = await authorizePayment(env, step.request)
      return record(run, (it) => it.recordAuthorization({ lease, result }))
    }
    case 'place':
      return record(run, (it) => it.placeOrder({ lease }))
    case 'capture': {
      const isCaptured = await capturePayment(env, step.request)
      return record(run, (it) => it.recordCapture({ lease, isCaptured }))
    }
    case 'undo': {
      const isDone = await undoPayment(env, step.request)
      return record(run, (it) => it.recordUndone({ lease, isDone }))
    }
  }
}

function record<T extends object>(
  { env, store, purchaseId }: Run,
  tell: (it: PurchaseRpc) => Promise<Outcome<T>>,
) {
  return askPurchase(env, store, purchaseId, tell)
}
