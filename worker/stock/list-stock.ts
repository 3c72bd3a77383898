import type { Band } from '../../schema/rpc/source.ts'
import type { Store } from '../stores/store.ts'
import { listStockItems } from './store.ts'

/** One page of the consolidated list, from the record, which follows the objects within moments. */
export async function listStock(
  env: Env,
  store: Store,
  query: { after: string; limit: number; location: string | undefined; status: Band | undefined },
) {
  const found = await listStockItems(env, store.ref.slug, {
    after: query.after,
    limit: query.limit + 1,
    location: query.location ?? null,
    band: query.status ?? null,
  })
  const items = found.slice(0, query.limit).map(({ band, ...item }) => ({ ...item, status: band }))
  return { items, next: found.length > query.limit ? items.at(-1)!.item : null }
}
