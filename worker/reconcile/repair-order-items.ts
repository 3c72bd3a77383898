import { log } from '../../runtime/log.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import { orderId } from '../../schema/ids.ts'
import type { OrderToRecord } from '../../schema/rpc/source.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { recordedVersions, recordNoItems, reopenOrder, unitsOfOrders } from '../orders/order-item-store.ts'
import { recordOrders } from '../orders/store.ts'
import type { Store } from '../stores/store.ts'

/** As in the audit. */
const AT_ONCE = 3

/** The record should say `units` of the purchase's order. */
export interface WrongItem {
  purchaseId: string
  units: number
}

/** Writes the orders again whose record of the item is wrong, from their purchases' own documents. Answers how many. */
export async function repairOrderItems(
  env: Env,
  store: Store,
  item: string,
  wrong: readonly WrongItem[],
): Promise<number> {
  if (wrong.length === 0) return 0
  const { slug } = store.ref
  const ids = wrong.map(({ purchaseId }) => orderId(purchaseId))
  // The relay may have written them meanwhile.
  const recorded = await unitsOfOrders(env, slug, item, ids)
  const still = wrong.filter(({ purchaseId, units }) => (recorded.get(orderId(purchaseId)) ?? 0) !== units)
  const repaired = await recordAgain(
    env,
    store,
    still.map(({ purchaseId }) => purchaseId),
  )
  if (repaired > 0)
    log('warn', 'items of orders were recorded again', { store: slug, item, orders: repaired })
  return repaired
}

/** The orders of these purchases as they are now, whatever the record says. Answers how many were written. */
export async function recordAgain(env: Env, store: Store, purchaseIds: readonly string[]): Promise<number> {
  const { slug } = store.ref
  // First: a version that is recorded now and that its purchase does not have afterwards never was.
  const versions = await recordedVersions(env, slug, purchaseIds.map(orderId))
  const asked = await runBounded(purchaseIds, AT_ONCE, (purchaseId) =>
    askPurchase(env, store.ref, purchaseId, async (purchase) => ({
      ok: true as const,
      document: await purchase.document(),
    })),
  )
  const documents: OrderToRecord[] = []
  for (const [index, answer] of asked.entries()) {
    if (!answer.ok) continue
    const id = orderId(purchaseIds[index]!)
    const { document } = answer
    if (!document) {
      await recordNoItems(env, slug, id)
      continue
    }
    const version = versions.get(id)
    if (version !== undefined && version > document.version) await reopenOrder(env, slug, id, version)
    documents.push({ store: slug, document })
  }
  await recordOrders(env, documents)
  return asked.filter((answer) => answer.ok).length
}
