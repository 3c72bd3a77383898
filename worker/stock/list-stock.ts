import { errorText, log } from '../../runtime/log.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { Store } from '../stores/store.ts'
import { listStockItems, type StockItem } from './store.ts'

type ListedItem = Omit<StockItem, 'band'> & { status: Band }

/** One page of the consolidated list, from the record, which follows the objects within moments. */
export async function listStock(
  env: Env,
  store: Store,
  query: { after: string; limit: number; location: string | undefined; status: Band | undefined },
): Promise<Outcome<{ items: ListedItem[]; next: string | null }>> {
  const { slug } = store.ref
  const { after, limit, location = null, status = null } = query
  try {
    const found = await listStockItems(env, slug, { after, limit: limit + 1, location, band: status })
    const items = found.slice(0, limit).map(({ band, ...item }) => ({ ...item, status: band }))
    return { ok: true, items, next: found.length > limit ? items.at(-1)!.item : null }
  } catch (error) {
    log('error', 'the stock list is not readable', { store: slug, error: errorText(error) })
    return refuse('unavailable', 'The list is not readable just now; items can still be read one by one.')
  }
}
