import { purchaseOf } from '../../durable-objects/purchase/client.ts'
import { errorText, log } from '../../runtime/log.ts'
import { type CartCredential, parseCartId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { PurchaseRpc, PurchaseSettings } from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import type { Store } from '../stores/store.ts'

/**
 * Asks a Purchase object, and is the one place where its weather is understood: an object that cannot be reached, or
 * dies while it answers, throws here, and whether the command took effect is unknown. Every command may be repeated, so
 * the caller is told `unavailable` (503 with Retry-After) and asks again.
 */
export async function askPurchase<T extends object>(
  env: Env,
  store: StoreRef,
  purchaseId: string,
  ask: (purchase: PurchaseRpc) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    return await ask(purchaseOf(env, store, purchaseId))
  } catch (error) {
    log('error', 'purchase did not answer', { store: store.slug, purchaseId, error: errorText(error) })
    return refuse('unavailable', 'The purchase does not answer just now; the same request may be repeated.')
  }
}

/** What every cart command carries. */
export interface CartAccess {
  secret: string
  settings: PurchaseSettings
}

/** Asks the purchase behind a cart id. A text that cannot be a cart id reaches no object. */
export async function askCart<T extends object>(
  env: Env,
  store: Store,
  cartId: string,
  ask: (purchase: PurchaseRpc, access: CartAccess) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const credential = parseCartId(cartId)
  if (!credential) return refuse('cart_not_found')
  return askPurchase(env, store.ref, credential.purchaseId, (purchase) =>
    ask(purchase, accessOf(store, credential)),
  )
}

export function accessOf(store: Store, credential: CartCredential): CartAccess {
  return { secret: credential.secret, settings: settingsOf(store) }
}

/** The part of a store's settings that its purchases keep. */
export function settingsOf(store: Store): PurchaseSettings {
  const { ref, holdTtlSeconds, lowStockThreshold, capture } = store
  return { store: ref, holdTtlSeconds, lowStockThreshold, capture }
}
