import type { Money } from '../../schema/money.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { MarketTerms } from '../../schema/rpc/catalogue-facts.ts'
import { marketOf, type Store, termsOf } from '../stores/store.ts'
import { askCart } from './purchase-call.ts'

export interface OfferedMethod {
  code: string
  title: string
  price: Money
}

/** The methods that the cart's address allows; before there is an address, all of its market. */
export async function shippingMethods(
  env: Env,
  store: Store,
  cartId: string,
): Promise<Outcome<{ items: OfferedMethod[] }>> {
  const answer = await askCart(env, store, cartId, (purchase, { secret }) => purchase.cart({ secret }))
  if (!answer.ok) return answer
  const { market: code, shippingAddress } = answer.cart
  const market = marketOf(store, code)
  if (!market) return refuse('market_not_found', `The market ${code} is no longer served.`)
  return { ok: true, items: offeredMethods(termsOf(store, market), shippingAddress?.country ?? null) }
}

export function offeredMethods(terms: MarketTerms, country: string | null): OfferedMethod[] {
  return terms.shippingMethods
    .filter(({ countries }) => country === null || countries.length === 0 || countries.includes(country))
    .map(({ code, title, price }) => ({ code, title, price: { amount: price, currency: terms.currency } }))
}
