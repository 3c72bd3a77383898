import { errorText, log } from '../../runtime/log.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { MarketTerms, VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { variantFacts } from '../catalogue/variant-facts.ts'
import { loadStore } from '../stores/load-store.ts'
import { marketOf, termsOf } from '../stores/store.ts'

/**
 * Today's prices and terms of what is on a cart. SKUs that are no longer on sale there are left out: the purchase
 * says what that means for it. A catalogue that does not answer is weather: nothing is charged on old prices.
 */
export async function readFreshFacts(
  env: Env,
  ref: StoreRef,
  wanted: { skus: string[]; market: string; locale: string },
): Promise<Outcome<{ facts: VariantFacts[]; terms: MarketTerms }>> {
  try {
    const store = await loadStore(env, ref.slug)
    if (!store) return refuse('store_not_found')
    const market = marketOf(store, wanted.market)
    if (!market) return refuse('market_not_found', `The market ${wanted.market} is no longer served.`)
    const known = await variantFacts(env, store, market, wanted.locale, wanted.skus)
    const facts = [...known.values()].filter((fact) => fact !== 'no_price')
    return { ok: true, facts, terms: termsOf(store, market) }
  } catch (error) {
    log('error', 'catalogue did not answer', { store: ref.slug, error: errorText(error) })
    return refuse('unavailable', 'The catalogue does not answer just now; nothing was charged.')
  }
}
