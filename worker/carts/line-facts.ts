import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import { variantFacts } from '../catalogue/variant-facts.ts'
import type { Market, Store } from '../stores/store.ts'

/**
 * The catalogue's facts of every SKU, in the order asked. Refusals: `sku_not_found` for a SKU that is unknown or not
 * on sale, `currency_not_in_market` for one without a price there; both name the first such SKU.
 */
export async function lineFacts(
  env: Env,
  store: Store,
  market: Market,
  locale: string,
  skus: string[],
): Promise<Outcome<{ facts: VariantFacts[] }>> {
  if (skus.length === 0) return { ok: true, facts: [] }
  const known = await variantFacts(env, store, market, locale, skus)
  const facts: VariantFacts[] = []
  for (const sku of skus) {
    const fact = known.get(sku)
    if (fact === undefined) return refuse('sku_not_found', `There is no SKU ${sku} on sale.`, { sku })
    if (fact === 'no_price') return refuseNoPrice(sku, market)
    facts.push(fact)
  }
  return { ok: true, facts }
}

export function refuseNoPrice(sku: string, market: Market) {
  return refuse('currency_not_in_market', `${sku} has no price in ${market.currency}.`, {
    sku,
    currency: market.currency,
  })
}
