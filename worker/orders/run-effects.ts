import type { PendingEffect } from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { capturePayment, undoPayment } from '../payments/ask-provider.ts'

/**
 * Runs the effects outside that a purchase's commands wrote down, one after the other, and tells the purchase how each
 * went. One that did not succeed stays with the purchase, whose alarm asks again; asking the provider twice is harmless.
 */
export async function runEffects(env: Env, store: StoreRef, purchaseId: string): Promise<void> {
  const pending = await askPurchase(env, store, purchaseId, async (purchase) => ({
    ok: true as const,
    effects: await purchase.pendingEffects(),
  }))
  if (!pending.ok) return
  for (const effect of pending.effects) {
    const isDone = await run(env, effect)
    await askPurchase(env, store, purchaseId, async (purchase) => {
      await purchase.settleEffect({ id: effect.id, isDone })
      return { ok: true as const }
    })
  }
}

function run(env: Env, { do: what, request }: PendingEffect): Promise<boolean> {
  return what === 'capture' ? capturePayment(env, request) : undoPayment(env, request)
}
