import { now } from '../../runtime/clock.ts'
import type { CheckoutRequest } from '../../schema/http/cart.ts'
import { type CartCredential, parseCartId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { CheckoutAnswer } from '../../schema/rpc/purchase.ts'
import { accessOf, askPurchase } from '../carts/purchase-call.ts'
import type { Store } from '../stores/store.ts'
import { advanceCheckout } from './advance-checkout.ts'

/** How often a request looks for the answer of a checkout that another runner has. */
const POLL_MS = 150
/** Above a lease (10 s), so that a request outlives a runner that died and takes over itself. */
const WAIT_MAX_MS = 12_000

export interface CheckoutReply {
  answer: CheckoutAnswer
  /** True when the key was known: the answer is the one its first request had. */
  isReplay: boolean
}

/**
 * A shopper's checkout: writes the attempt down, then runs it, or waits for whoever runs it. A repeat goes on when the
 * runner's lease is overdue; before that it is told that the checkout is running. Run under `waitUntil`, so that a client
 * that goes away does not stop what it asked for.
 */
export async function checkOut(
  env: Env,
  store: Store,
  cartId: string,
  { payment, expectedTotal }: CheckoutRequest,
  idempotency: IdempotencyStamp,
): Promise<CheckoutReply> {
  const credential = parseCartId(cartId)
  if (!credential) return refused(refuse('cart_not_found'))
  const begun = await askPurchase(env, store.ref, credential.purchaseId, (purchase) =>
    purchase.beginCheckout({
      ...accessOf(store, credential),
      payment: { ...payment, returnUrl: payment.returnUrl ?? null },
      expectedTotal: expectedTotal ?? null,
      idempotency,
    }),
  )
  if (!begun.ok) return refused(begun)
  const { attempt, isReplay } = begun
  if (!isReplay) return { answer: await awaitAnswer(env, store, credential, attempt), isReplay }
  const known = await knownAnswer(env, store, credential, attempt)
  if (known) return { answer: known, isReplay }
  const progress = await advanceCheckout(env, store.ref, credential.purchaseId, attempt)
  return progress.kind === 'busy'
    ? refused(refuse('checkout_in_progress'))
    : { answer: progress.answer, isReplay }
}

function refused(refusal: Extract<Outcome<object>, { ok: false }>): CheckoutReply {
  return { answer: { kind: 'refused', refusal }, isReplay: refusal.isReplay ?? false }
}

/** Runs the attempt; while another runner has it, waits for its answer and takes over when its lease is overdue. */
async function awaitAnswer(
  env: Env,
  store: Store,
  credential: CartCredential,
  attempt: number,
): Promise<CheckoutAnswer> {
  let polls = WAIT_MAX_MS / POLL_MS
  for (;;) {
    const progress = await advanceCheckout(env, store.ref, credential.purchaseId, attempt)
    if (progress.kind === 'answered') return progress.answer
    do {
      if (polls-- <= 0) return { kind: 'refused', refusal: refuse('checkout_in_progress') }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      const answer = await knownAnswer(env, store, credential, attempt)
      if (answer) return answer
    } while (now() < progress.retryAt)
  }
}

async function knownAnswer(
  env: Env,
  store: Store,
  { purchaseId }: CartCredential,
  attempt: number,
): Promise<CheckoutAnswer | null> {
  const known = await askPurchase(env, store.ref, purchaseId, async (purchase) => ({
    ok: true as const,
    answer: await purchase.checkoutAnswer({ attempt }),
  }))
  return known.ok ? known.answer : null
}
