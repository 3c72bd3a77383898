import { purchaseIdOf } from '../../schema/ids.ts'
import type { Allocation } from '../../schema/rpc/stock.ts'
import type { OrderItem } from '../orders/order-item-store.ts'

/** One purchase of which item and record do not say the same. */
export interface Difference {
  purchaseId: string
  /** Units that the item has allocated. */
  allocated: number
  /** Units that the record says the order has. */
  recorded: number
}

export interface Compared {
  differences: Difference[]
  /** Purchases that were compared. */
  count: number
  /** The last purchase that both lists are known up to; null: to the end. */
  upTo: string | null
}

/**
 * Two lists in purchase order, each known up to some purchase (null: to the end), side by side. No more than
 * `differencesMax`: the comparison ends with that one.
 */
export function compareOrders(
  allocations: { list: readonly Allocation[]; upTo: string | null },
  orders: { list: readonly OrderItem[]; upTo: string | null },
  differencesMax: number,
): Compared {
  const end = earlier(allocations.upTo, orders.upTo)
  const seen = new Map<string, Difference>()
  for (const { purchaseId, quantity } of allocations.list) {
    seen.set(purchaseId, { purchaseId, allocated: quantity, recorded: 0 })
  }
  for (const { orderId, quantity } of orders.list) {
    const purchaseId = purchaseIdOf(orderId)
    seen.set(purchaseId, { purchaseId, allocated: 0, ...seen.get(purchaseId), recorded: quantity })
  }
  const within = [...seen.values()]
    .filter(({ purchaseId }) => end === null || purchaseId <= end)
    .sort((a, b) => (a.purchaseId < b.purchaseId ? -1 : 1))
  const all = within.filter(({ allocated, recorded }) => allocated !== recorded)
  const differences = all.slice(0, differencesMax)
  const upTo = all.length > differences.length ? differences.at(-1)!.purchaseId : end
  const count = within.filter(({ purchaseId }) => upTo === null || purchaseId <= upTo).length
  return { differences, count, upTo }
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
