import type { PendingEffect } from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { capturePayment, refundPayment, undoPayment } from '../payments/ask-provider.ts'

/** A capture and what waited for it; an order with more leaves the rest to the next alarm, so that no run is endless. */
const ROUNDS_MAX = 5

/**
 * Runs the effects outside that a purchase's commands wrote down, one after the other, and tells the purchase how each
 * went. One that did not succeed stays with the purchase, whose alarm asks again; asking the provider twice is harmless.
 */
export async function runEffects(env: Env, store: StoreRef, purchaseId: string): Promise<void> {
  const tried = new Set<string>()
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const pending = await askPurchase(env, store, purchaseId, async (purchase) => ({
      ok: true as const,
      effects: await purchase.pendingEffects(),
    }))
    const next = pending.ok ? pending.effects.filter(({ id }) => !tried.has(id)) : []
    if (next.length === 0) return
    for (const effect of next) {
      tried.add(effect.id)
      const isDone = await run(env, effect)
      await askPurchase(env, store, purchaseId, async (purchase) => {
        await purchase.settleEffect({ id: effect.id, isDone })
        return { ok: true as const }
      })
    }
  }
}

function run(env: Env, { do: what, request }: PendingEffect): Promise<boolean> {
  switch (what) {
    case 'capture':
      return capturePayment(env, request)
    case 'undo':
      return undoPayment(env, request)
    case 'refund':
      return refundPayment(env, request)
  }
}
