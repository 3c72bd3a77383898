import { errorText, log } from '../../runtime/log.ts'
import type { Discount } from '../../schema/http/discount.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { MarketTerms, VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { factsOnSale } from '../carts/line-facts.ts'
import { loadStore } from '../stores/load-store.ts'
import { codedDiscountOf, marketOf, type Store, termsOf } from '../stores/store.ts'

/**
 * Today's prices and terms of what is on a cart. SKUs that are no longer on sale there are left out: the purchase
 * says what that means for it. In a market that is gone nothing is on sale.
 */
export async function readFreshFacts(
  env: Env,
  ref: StoreRef,
  {
    skus,
    market: code,
    locale,
    discounts: codes,
  }: { skus: string[]; market: string; locale: string; discounts: string[] },
): Promise<Outcome<{ facts: VariantFacts[]; terms: MarketTerms; discounts: Discount[] }>> {
  const store = await readStore(env, ref)
  if (store === 'unavailable') return refuse('unavailable', 'The settings do not answer just now.')
  if (!store) return refuse('store_not_found')
  const discounts = codes.flatMap((one) => codedDiscountOf(store, one) ?? [])
  const market = marketOf(store, code)
  if (!market) return { ok: true, facts: [], terms: termsOfGone(code), discounts }
  const onSale = await factsOnSale(env, store, market, locale, skus)
  return onSale.ok ? { ok: true, facts: onSale.facts, terms: termsOf(store, market), discounts } : onSale
}

function termsOfGone(code: string): MarketTerms {
  const nothing = { countries: [], taxRates: [], shippingMethods: [], discounts: [] }
  return { code, currency: '', pricesIncludeTax: false, ...nothing }
}

/** A run from an alarm has no request whose middleware found the store. */
async function readStore(env: Env, { slug }: StoreRef): Promise<Store | null | 'unavailable'> {
  try {
    return await loadStore(env, slug)
  } catch (error) {
    log('error', 'settings did not answer', { store: slug, error: errorText(error) })
    return 'unavailable'
  }
}
