import type { EpochMs } from '../../runtime/clock.ts'

// The relay: what is not stuck any more. ?1 is a JSON list of rows as in store.ts; only for the version that is recorded.
// Served by the primary keys. A document without the list comes from a purchase that never had anything stuck.
const DELETE_FREED = `
  delete from stuck_effects where (store, order_id, effect) in (
    select k.store, k.order_id, k.effect
    from json_each(?1) d
    join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
      and o.version = d.value->>'version'
    join stuck_effects k on k.store = o.store and k.order_id = o.order_id
    where json_type(d.value, '$.stuck') is 'array'
      and k.effect not in (select s.value->>'effect' from json_each(d.value, '$.stuck') s))`

// The relay: what is stuck, since it was first heard of. Served by the primary keys.
const INSERT_STUCK = `
  insert or ignore into stuck_effects (store, order_id, effect, what, since)
  select o.store, o.order_id, s.value->>'effect', s.value->>'what', ?2
  from json_each(?1) d, json_each(d.value, '$.stuck') s
  join orders o on o.store = d.value->>'store' and o.order_id = d.value->>'orderId'
    and o.version = d.value->>'version'`

// The status: of one store, by order. Served by the primary key.
const STUCK_OF_STORE = `
  select order_id, effect, what, since from stuck_effects where store = ? order by order_id, effect limit ?`

/** Statements for the batch that records these orders: none for orders that never had anything stuck. */
export function recordStuck(env: Env, rows: string, at: EpochMs): D1PreparedStatement[] {
  return rows.includes('"stuck":[')
    ? [env.ORDERS.prepare(DELETE_FREED).bind(rows), env.ORDERS.prepare(INSERT_STUCK).bind(rows, at)]
    : []
}

export async function stuckEffects(
  env: Env,
  store: string,
  limit: number,
): Promise<{ orderId: string; effect: string; what: string; since: EpochMs }[]> {
  const { results } = await env.ORDERS.prepare(STUCK_OF_STORE)
    .bind(store, limit)
    .all<{ order_id: string; effect: string; what: string; since: number }>()
  return results.map(({ order_id: orderId, effect, what, since }) => ({ orderId, effect, what, since }))
}
