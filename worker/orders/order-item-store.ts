// What orders have allocated, as the record has it: for comparing it with the stock items and the purchases.

/** An audit: the orders of one item in order of their ids. Served by the primary key. ('`' is what follows on '_'.) */
const ORDERS_OF_ITEM = `
  select order_id, quantity from order_items
  where store = ? and item = ? and order_id > ? and order_id < 'ord\`' order by order_id limit ?`

/** An audit looks again at some orders of an item: one look-up by the primary key each. */
const SOME_ORDERS_OF_ITEM = `
  select order_id, quantity from order_items
  where store = ?1 and item = ?2 and order_id in (select value from json_each(?3))`

/** A repair: which versions are recorded. One look-up by the primary key each. */
const RECORDED_VERSIONS = `
  select order_id, version from orders
  where store = ?1 and order_id in (select value from json_each(?2))`

/** A repair: the version that was found wrong gives way to any. Served by the primary key. */
const REOPEN = 'update orders set version = -1 where store = ? and order_id = ? and version = ?'

/** A repair: an order that its purchase knows nothing of has no items. Served by order_items_by_order, and the primary key. */
const DELETE_ITEMS = 'delete from order_items where store = ? and order_id = ?'
const MARK_WITHOUT = 'update orders set has_items = 1 where store = ? and order_id = ?'

/** The backfill: orders whose items were never recorded. Served by orders_without_items. */
const ORDERS_WITHOUT_ITEMS = 'select store, order_id from orders where has_items = 0 limit ?'

export interface OrderItem {
  orderId: string
  quantity: number
}

interface OrderItemRow {
  order_id: string
  quantity: number
}

/** Orders that have the item, `after` exclusive ('' starts). */
export async function ordersOfItem(
  env: Env,
  store: string,
  item: string,
  { after, limit }: { after: string; limit: number },
): Promise<OrderItem[]> {
  const statement = env.ORDERS.prepare(ORDERS_OF_ITEM).bind(store, item, after, limit)
  const { results } = await statement.all<OrderItemRow>()
  return results.map((row) => ({ orderId: row.order_id, quantity: row.quantity }))
}

/** Units of the item by order; an order that has none is absent. */
export async function unitsOfOrders(
  env: Env,
  store: string,
  item: string,
  orderIds: readonly string[],
): Promise<Map<string, number>> {
  const statement = env.ORDERS.prepare(SOME_ORDERS_OF_ITEM).bind(store, item, JSON.stringify(orderIds))
  const { results } = await statement.all<OrderItemRow>()
  return new Map(results.map((row) => [row.order_id, row.quantity]))
}

/** An order that is not recorded is absent. */
export async function recordedVersions(
  env: Env,
  store: string,
  orderIds: readonly string[],
): Promise<Map<string, number>> {
  const { results } = await env.ORDERS.prepare(RECORDED_VERSIONS)
    .bind(store, JSON.stringify(orderIds))
    .all<{ order_id: string; version: number }>()
  return new Map(results.map((row) => [row.order_id, row.version]))
}

/**
 * Lets the recorded version be written again, also where it claims to be newer than its purchase. A version that came
 * meanwhile stays. The row keeps its content until then, so a crash after this loses nothing.
 */
export async function reopenOrder(env: Env, store: string, orderId: string, version: number): Promise<void> {
  await env.ORDERS.prepare(REOPEN).bind(store, orderId, version).run()
}

/** Takes the items of an order off the record. */
export async function recordNoItems(env: Env, store: string, orderId: string): Promise<void> {
  await env.ORDERS.batch(
    [DELETE_ITEMS, MARK_WITHOUT].map((sql) => env.ORDERS.prepare(sql).bind(store, orderId)),
  )
}

/** Of all stores, in no order. */
export async function ordersWithoutItems(
  env: Env,
  limit: number,
): Promise<{ store: string; orderId: string }[]> {
  const { results } = await env.ORDERS.prepare(ORDERS_WITHOUT_ITEMS)
    .bind(limit)
    .all<{ store: string; order_id: string }>()
  return results.map(({ store, order_id: orderId }) => ({ store, orderId }))
}
