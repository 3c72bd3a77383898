import { type EpochMs, now } from '../../runtime/clock.ts'
import { jsonLists } from '../../runtime/json-lists.ts'
import type { Order } from '../../schema/http/order.ts'
import type { OrderToRecord } from '../../schema/rpc/source.ts'
import { recordStuck } from './stuck-store.ts'

// The relay: new orders and newer versions of known ones, many a statement; ?1 is a JSON list of rows. Served by the
// primary key. An older version than the recorded one changes nothing, so pulls may overtake each other; the same one only
// where it brings the items, which were not recorded at first.
const UPSERT_ORDERS = `
  insert into orders (store, order_id, version, number, status, payment_status, fulfillment_status, email, placed_at,
    document, has_items)
  select value->>'store', value->>'orderId', value->>'version', value->>'number', value->>'status',
    value->>'paymentStatus', value->>'fulfillmentStatus', value->>'email', value->>'placedAt', value->>'order',
    json_type(value, '$.items') is 'array'
  from json_each(?1) where true
  on conflict (store, order_id) do update set
    version = excluded.version, number = excluded.number, status = excluded.status,
    payment_status = excluded.payment_status, fulfillment_status = excluded.fulfillment_status,
    email = excluded.email, placed_at = excluded.placed_at, document = excluded.document,
    has_items = excluded.has_items
  where excluded.version > orders.version
    or (excluded.version = orders.version and excluded.has_items > orders.has_items)`

// The relay, second: an edit may take a SKU off an order. Served by order_skus_by_order. Only for the version that is
// recorded, so that a document that was overtaken changes no SKU.
const DELETE_GONE_SKUS = `
  delete from order_skus where (store, sku, placed_at, order_id) in (
    select k.store, k.sku, k.placed_at, k.order_id
    from json_each(?1) d
    join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
      and o.version = d.value->>'version'
    join order_skus k on k.store = o.store and k.order_id = o.order_id
    where k.sku not in (select s.value from json_each(d.value, '$.skus') s))`

// The relay, third: the SKUs of each recorded version. Served by the primary keys.
const INSERT_SKUS = `
  insert or ignore into order_skus (store, sku, placed_at, order_id)
  select o.store, s.value, o.placed_at, o.order_id
  from json_each(?1) d, json_each(d.value, '$.skus') s
  join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
    and o.version = d.value->>'version'`

// The relay, fourth: what an order has not allocated any more. Served by order_items_by_order. A document without items
// comes from an object that still runs the code before them: it changes none.
const DELETE_GONE_ITEMS = `
  delete from order_items where (store, item, order_id) in (
    select k.store, k.item, k.order_id
    from json_each(?1) d
    join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
      and o.version = d.value->>'version'
    join order_items k on k.store = o.store and k.order_id = o.order_id
    where json_type(d.value, '$.items') is 'array'
      and k.item not in (select i.value->>'item' from json_each(d.value, '$.items') i))`

// The relay, fifth: what each recorded version has allocated. Served by the primary keys.
const UPSERT_ITEMS = `
  insert into order_items (store, item, order_id, quantity)
  select o.store, i.value->>'item', o.order_id, i.value->>'quantity'
  from json_each(?1) d, json_each(d.value, '$.items') i
  join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
    and o.version = d.value->>'version'
  where true
  on conflict (store, item, order_id) do update set quantity = excluded.quantity
  where order_items.quantity <> excluded.quantity`

/**
 * Records the present document of each order. Repeats and documents that were overtaken are harmless; several of one
 * order may be given. Throws when the database does not answer, and then the whole of it may be repeated.
 */
export async function recordOrders(env: Env, orders: readonly OrderToRecord[]): Promise<void> {
  const statements = [UPSERT_ORDERS, DELETE_GONE_SKUS, INSERT_SKUS, DELETE_GONE_ITEMS, UPSERT_ITEMS].map(
    (sql) => env.ORDERS.prepare(sql),
  )
  for (const rows of jsonLists(orders.map(rowOf))) {
    const stuck = recordStuck(env, rows, now())
    await env.ORDERS.batch([...statements.map((statement) => statement.bind(rows)), ...stuck])
  }
}

function rowOf({ store, document: { orderId, version, document } }: OrderToRecord): string {
  return JSON.stringify({ store, orderId, version, ...document })
}

export interface OrderFilter {
  sku?: string | undefined
  status?: string | undefined
  paymentStatus?: string | undefined
  fulfillmentStatus?: string | undefined
  /** Lower case. */
  email?: string | undefined
  number?: string | undefined
  /** Orders placed then or later. */
  since?: EpochMs | undefined
}

/** Where a page goes on: below the last order shown. */
export interface OrderPosition {
  placedAt: EpochMs
  orderId: string
}

// The staff's list, newest first; served by orders_by_placed, or by the index of the filter named first below.
const FROM_ORDERS = 'from orders o where o.store = ?'

// The same list of one SKU's orders; served by the primary key of order_skus, then of orders.
const FROM_ORDERS_OF_SKU = `
  from order_skus k join orders o on o.store = k.store and o.order_id = k.order_id where k.store = ? and k.sku = ?`

// One condition a filter of the list; each column has an index in the list's own order (0001_orders.sql).
const CONDITIONS = {
  number: 'o.number = ?',
  email: 'o.email = ?',
  status: 'o.status = ?',
  paymentStatus: 'o.payment_status = ?',
  fulfillmentStatus: 'o.fulfillment_status = ?',
} as const satisfies Partial<Record<keyof OrderFilter, string>>

/** One more than `limit` tells whether there is a next page. The answer holds at most `limit` orders. */
export async function listOrders(
  env: Env,
  store: string,
  filter: OrderFilter,
  after: OrderPosition | null,
  limit: number,
): Promise<{ orders: Order[]; next: OrderPosition | null }> {
  const row = filter.sku === undefined ? 'o' : 'k'
  const parts = [filter.sku === undefined ? FROM_ORDERS : FROM_ORDERS_OF_SKU]
  const values: (string | number)[] = filter.sku === undefined ? [store] : [store, filter.sku]
  const narrow = (condition: string, ...bound: (string | number)[]) => {
    parts.push(condition)
    values.push(...bound)
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const wanted = filter[name as keyof typeof CONDITIONS]
    if (wanted !== undefined) narrow(condition, wanted)
  }
  if (filter.since !== undefined) narrow(`${row}.placed_at >= ?`, filter.since)
  if (after) narrow(`(${row}.placed_at, ${row}.order_id) < (?, ?)`, after.placedAt, after.orderId)
  const sql = `select o.placed_at, o.order_id, o.document ${parts.join(' and ')}
    order by ${row}.placed_at desc, ${row}.order_id desc limit ?`
  const { results } = await env.ORDERS.prepare(sql)
    .bind(...values, limit + 1)
    .all<{ placed_at: number; order_id: string; document: string }>()
  const shown = results.slice(0, limit)
  const last = shown.at(-1)
  return {
    orders: shown.map(({ document }) => JSON.parse(document) as Order),
    next: results.length > limit && last ? { placedAt: last.placed_at, orderId: last.order_id } : null,
  }
}
