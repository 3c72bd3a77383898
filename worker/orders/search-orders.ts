import { errorText, log } from '../../runtime/log.ts'
import type { Order } from '../../schema/http/order.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Store } from '../stores/store.ts'
import { listOrders, type OrderFilter, type OrderPosition } from './store.ts'

/** A page of the record, newest first. A record that does not answer is weather: orders go on being placed meanwhile. */
export async function searchOrders(
  env: Env,
  store: Store,
  filter: OrderFilter,
  after: OrderPosition | null,
  limit: number,
): Promise<Outcome<{ orders: Order[]; next: OrderPosition | null }>> {
  try {
    return { ok: true, ...(await listOrders(env, store.ref.slug, filter, after, limit)) }
  } catch (error) {
    log('error', 'the record of orders did not answer', { store: store.ref.slug, error: errorText(error) })
    return refuse('unavailable', 'The list of orders does not answer just now.')
  }
}
