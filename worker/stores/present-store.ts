import type { PublicStore, StoreView } from '../../schema/http/settings.ts'
import { paymentMethods } from './payment-methods.ts'
import type { Store } from './store.ts'

/** The store as its staff sees it. */
export function presentStore(store: Store): StoreView {
  const { ref, name, defaultMarket, holdTtlSeconds, capture, lowStockThreshold, storefrontUrl, policies } =
    store
  return { ...ref, name, defaultMarket, holdTtlSeconds, capture, lowStockThreshold, storefrontUrl, policies }
}

/** The store as anybody sees it. */
export function presentPublicStore(env: Env, store: Store): PublicStore {
  return {
    slug: store.ref.slug,
    name: store.name,
    defaultMarket: store.defaultMarket,
    holdTtlSeconds: store.holdTtlSeconds,
    storefrontUrl: store.storefrontUrl,
    policies: store.policies,
    markets: store.markets,
    currencies: distinct(store.markets.map(({ currency }) => currency)),
    locales: distinct(store.markets.flatMap(({ locales }) => locales)),
    paymentMethods: paymentMethods(env),
  }
}

function distinct(values: string[]): string[] {
  return [...new Set(values)].sort()
}
