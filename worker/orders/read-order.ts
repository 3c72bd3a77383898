import type { Order, TimelineEntry } from '../../schema/http/order.ts'
import { parseOrderId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import type { Store } from '../stores/store.ts'

/** An order as it is answered after the checkout: without the token that reads it. */
export type TokenlessOrder = Omit<Order, 'token'>

/** For whoever has the order's token; a wrong one, and none, is answered as if there were no such order. */
export async function readOrderByToken(
  env: Env,
  store: Store,
  id: string,
  token: string | undefined,
): Promise<Outcome<{ order: TokenlessOrder; timeline: TimelineEntry[] }>> {
  return token ? read(env, store, id, token) : refuse('order_not_found')
}

/** For staff: the caller has checked the scope. From its owner, so never behind. */
export function readOrderForStaff(
  env: Env,
  store: Store,
  id: string,
): Promise<Outcome<{ order: TokenlessOrder; timeline: TimelineEntry[] }>> {
  return read(env, store, id, null)
}

async function read(
  env: Env,
  store: Store,
  id: string,
  token: string | null,
): Promise<Outcome<{ order: TokenlessOrder; timeline: TimelineEntry[] }>> {
  const purchaseId = parseOrderId(id)
  if (!purchaseId) return refuse('order_not_found')
  const found = await askPurchase(env, store.ref, purchaseId, (purchase) => purchase.order({ token }))
  return found.ok ? { ...found, order: withoutToken(found.order) } : found
}

export function withoutToken({ token: _, ...order }: Order): TokenlessOrder {
  return order
}
