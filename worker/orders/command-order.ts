import type { Order } from '../../schema/http/order.ts'
import { parseOrderId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { LineUnits, OrderAction, OrderCommand, ReceivedLine } from '../../schema/rpc/purchase.ts'
import type { Disposition } from '../../schema/rpc/stock.ts'
import { askPurchase, settingsOf } from '../carts/purchase-call.ts'
import { knownLocations } from '../stock/known-locations.ts'
import { noLocation } from '../stock/move-stock.ts'
import type { Store } from '../stores/store.ts'
import { type TokenlessOrder, withoutToken } from './read-order.ts'

/** Who does something with an order, under which key, and which version they saw. */
export type OrderedBy = Pick<OrderCommand, 'actor' | 'expectedVersion' | 'idempotency'>

type Done = Outcome<{ order: TokenlessOrder; isReplay: boolean }>

/** Does one thing with an order; what the state does not allow is refused by the order itself. */
export async function commandOrder(
  env: Env,
  store: Store,
  id: string,
  action: OrderAction,
  by: OrderedBy,
): Promise<Done> {
  const purchaseId = parseOrderId(id)
  if (!purchaseId) return refuse('order_not_found')
  const command: OrderCommand = { ...action, ...by, settings: settingsOf(store) }
  const done = await askPurchase<{ order: Order; isReplay: boolean }>(
    env,
    store.ref,
    purchaseId,
    (purchase) => purchase.commandOrder(command),
  )
  return done.ok ? { ...done, order: withoutToken(done.order) } : done
}

/** Ships from one location only if there is such a location. */
export async function fulfillOrder(
  env: Env,
  store: Store,
  id: string,
  action: Extract<OrderAction, { do: 'fulfill' }>,
  by: OrderedBy,
): Promise<Done> {
  const { location } = action
  if (location !== null && !(await knownLocations(env, store, [location])).has(location)) {
    return noLocation(location)
  }
  return commandOrder(env, store, id, action, by)
}

type Came = LineUnits & { disposition: Disposition; location?: string | undefined }

/** Goods that came back, each with the location it is at: where none is said, the one that gives first. */
export async function placed(
  env: Env,
  store: Store,
  lines: readonly Came[],
): Promise<Outcome<{ lines: ReceivedLine[] }>> {
  const first = store.locations.toSorted((a, b) => a.priority - b.priority)[0]?.code ?? 'main'
  const codes = lines.map(({ location }) => location ?? first)
  const known = await knownLocations(env, store, codes)
  const unknown = codes.find((code) => !known.has(code))
  if (unknown !== undefined) return noLocation(unknown)
  return {
    ok: true,
    lines: lines.map(({ lineId, quantity, disposition }, index) => {
      const { code, priority } = known.get(codes[index]!)!
      return { lineId, quantity, disposition, location: code, locationPriority: priority }
    }),
  }
}
