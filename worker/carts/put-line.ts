import type { Cart } from '../../schema/http/cart.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { marketOf, type Store } from '../stores/store.ts'
import { lineFacts } from './line-facts.ts'
import { askCart } from './purchase-call.ts'

export interface LineRequest {
  sku: string
  quantity: number
  properties?: Record<string, string> | undefined
}

/**
 * Sets a line and its hold. Zero removes it without asking the catalogue, so that what went off sale can leave the cart.
 */
export async function putLine(
  env: Env,
  store: Store,
  cartId: string,
  { sku, quantity, properties }: LineRequest,
): Promise<Outcome<{ cart: Cart }>> {
  if (quantity === 0) return removeLine(env, store, cartId, sku)
  const context = await askCart(env, store, cartId, (purchase, { secret }) => purchase.context({ secret }))
  if (!context.ok) return context
  const market = marketOf(store, context.market)
  if (!market) return refuse('market_not_found', `The market ${context.market} is no longer served.`)
  const found = await lineFacts(env, store, market, context.locale, [sku])
  if (!found.ok) return found
  const line = { facts: found.facts[0]!, quantity, ...(properties && { properties }) }
  return askCart(env, store, cartId, (purchase, access) => purchase.putLine({ ...access, line }))
}

/**
 * Removes a line and releases its hold; one that is absent is removed already. But its PUT may have been cut after Stock
 * granted it and before the purchase wrote it down: so the purchase is told what an absent line would be made of, where
 * the catalogue can say. Where it cannot (it is silent, or the SKU went off sale), that hold ends by expiry.
 */
export async function removeLine(
  env: Env,
  store: Store,
  cartId: string,
  sku: string,
): Promise<Outcome<{ cart: Cart }>> {
  const removed = await askCart(env, store, cartId, (purchase, access) =>
    purchase.removeLine({ ...access, sku }),
  )
  if (!removed.ok || !removed.needsFacts) return removed
  const { cart } = removed
  const market = marketOf(store, cart.market)
  const found = market && (await lineFacts(env, store, market, cart.locale, [sku]))
  const facts = found?.ok ? found.facts[0] : undefined
  if (!facts) return removed
  return askCart(env, store, cartId, (purchase, access) => purchase.removeLine({ ...access, sku, facts }))
}
