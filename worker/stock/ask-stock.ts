import { stockOf } from '../../durable-objects/stock/client.ts'
import { errorText, log } from '../../runtime/log.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { StockRpc } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'

/**
 * Asks a Stock object, and is the one place of this room where its weather is understood: an object that cannot be
 * reached throws here, and whether a command took effect is unknown. Every command may be repeated, so the caller is
 * told `unavailable` (503 with Retry-After).
 */
export async function askStock<T extends object>(
  env: Env,
  store: Store,
  item: string,
  ask: (stock: StockRpc) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    return await ask(stockOf(env, store.ref, item))
  } catch (error) {
    log('error', 'stock did not answer', { store: store.ref.slug, item, error: errorText(error) })
    return refuse('unavailable', 'The stock of this item does not answer just now; repeat the request.')
  }
}
