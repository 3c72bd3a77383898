import { parseOrderId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { CancelCommand } from '../../schema/rpc/purchase.ts'
import { askPurchase, settingsOf } from '../carts/purchase-call.ts'
import type { Store } from '../stores/store.ts'
import { type TokenlessOrder, withoutToken } from './read-order.ts'

/**
 * Cancels an order: its stock is given back, and what was paid goes back by an effect that the purchase runs until it
 * succeeds (`run-effects.ts`).
 */
export async function cancelOrder(
  env: Env,
  store: Store,
  id: string,
  command: Omit<CancelCommand, 'settings'>,
): Promise<Outcome<{ order: TokenlessOrder; isReplay: boolean }>> {
  const purchaseId = parseOrderId(id)
  if (!purchaseId) return refuse('order_not_found')
  const done = await askPurchase(env, store.ref, purchaseId, (purchase) =>
    purchase.cancel({ ...command, settings: settingsOf(store) }),
  )
  return done.ok ? { ...done, order: withoutToken(done.order) } : done
}
