import { errorText, log } from '../../runtime/log.ts'
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
  const read = await knownFacts(env, store, market, locale, skus)
  if (!read.ok) return read
  const facts: VariantFacts[] = []
  for (const sku of skus) {
    const fact = read.known.get(sku)
    if (fact === undefined) return refuse('sku_not_found', `There is no SKU ${sku} on sale.`, { sku })
    if (fact === 'no_price') return refuseNoPrice(sku, market)
    facts.push(fact)
  }
  return { ok: true, facts }
}

/** The facts of those SKUs that are on sale there; what the others mean is the purchase's to say. */
export async function factsOnSale(
  env: Env,
  store: Store,
  market: Market,
  locale: string,
  skus: string[],
): Promise<Outcome<{ facts: VariantFacts[] }>> {
  const read = await knownFacts(env, store, market, locale, skus)
  if (!read.ok) return read
  return { ok: true, facts: [...read.known.values()].filter((fact) => fact !== 'no_price') }
}

/** A catalogue that does not answer is weather: nothing is put in a cart or charged on prices that may be old. */
async function knownFacts(
  env: Env,
  store: Store,
  market: Market,
  locale: string,
  skus: string[],
): Promise<Outcome<{ known: Map<string, VariantFacts | 'no_price'> }>> {
  try {
    const known = skus.length === 0 ? new Map() : await variantFacts(env, store, market, locale, skus)
    return { ok: true, known }
  } catch (error) {
    log('error', 'catalogue did not answer', { store: store.ref.slug, error: errorText(error) })
    return refuse('unavailable', 'The catalogue does not answer just now; the same request may be repeated.')
  }
}

function refuseNoPrice(sku: string, { currency }: Market) {
  return refuse('currency_not_in_market', `${sku} has no price in ${currency}.`, { sku, currency })
}
