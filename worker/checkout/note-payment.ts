import { parsePaymentId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import type { PaymentNotification } from '../payments/provider.ts'
import { loadStore } from '../stores/load-store.ts'
import { advanceCheckout } from './advance-checkout.ts'

/** A notification may find the shopper's request at work; this many looks, this far apart, let it finish first. */
const LOOKS_MAX = 20
const LOOK_AGAIN_MS = 150

/**
 * Writes a provider's notification down, then takes the checkout as far as it goes, so that whoever sees the 200
 * finds the order. The note alone is what the answer promises: if the run fails, the purchase's alarm goes on.
 * Only the payment's own provider can tell of it: another's, however genuine, finds no such payment.
 * `namedStore` is the store that the request names, if it names one: another store's payment does not exist there.
 */
export async function notePayment(
  env: Env,
  provider: string,
  { paymentId, eventId, outcome }: PaymentNotification,
  namedStore: string | null,
): Promise<Outcome<object>> {
  const parts = parsePaymentId(paymentId)
  if (!parts || (namedStore !== null && namedStore !== parts.store)) return refuse('payment_not_found')
  const store = await loadStore(env, parts.store)
  if (!store) return refuse('payment_not_found')
  const { purchaseId } = parts
  const noted = await askPurchase(env, store.ref, purchaseId, (purchase) =>
    purchase.notePayment({ provider, paymentId, eventId, outcome }),
  )
  if (!noted.ok) return noted
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const progress = await advanceCheckout(env, store.ref, purchaseId, noted.attempt)
    if (progress.kind === 'answered') break
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
  return { ok: true }
}
