import type { NewDeallocation } from '../../schema/http/audit.ts'
import { parseOrderId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { MoveAnswer } from '../../schema/rpc/stock.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { askStock } from '../stock/ask-stock.ts'
import type { Store } from '../stores/store.ts'
import { unitsOf } from './audit-orders.ts'

/**
 * Gives back units that an item has allocated for an order that has them not. What the order has, its purchase says; the
 * item holds that against what it has allocated, in one transaction. A purchase that is just changing is `checkout_in_progress`.
 */
export async function deallocatePhantom(
  env: Env,
  store: Store,
  item: string,
  { orderId, quantity, note }: NewDeallocation,
  by: { actor: string; idempotency: IdempotencyStamp },
): Promise<Outcome<MoveAnswer>> {
  const purchaseId = parseOrderId(orderId)
  if (!purchaseId) return refuse('order_not_found')
  const said = await askPurchase(env, store.ref, purchaseId, async (purchase) => ({
    ok: true as const,
    ...(await purchase.allocations()),
  }))
  if (!said.ok) return said
  return askStock(env, store, item, (stock) =>
    stock.reclaim({
      store: store.ref,
      purchaseId,
      orderId,
      quantity,
      entitled: said.isInFlight ? null : unitsOf(said, item),
      reference: null,
      note: note ?? null,
      lowStockThreshold: store.lowStockThreshold,
      ...by,
    }),
  )
}
