import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now } from '../../../runtime/clock.ts'
import type { ItemAudit } from '../../../schema/http/audit.ts'
import { newCart, orderId } from '../../../schema/ids.ts'
import { type Answer, staff, until } from '../../support/api.ts'
import { allEvents, checkout, readyCart } from '../../support/shop.ts'

export const STORE = { slug: 'default', jurisdiction: null, region: null }

export function audit(item: string, cursor: string | null = null): Promise<Answer<ItemAudit>> {
  const query = cursor === null ? '' : `?cursor=${cursor}`
  return staff('GET', `/v1/admin/stock/${encodeURIComponent(item)}/audit${query}`)
}

/** Once the relay has recorded and logged everything. */
export async function settled(item: string): Promise<ItemAudit> {
  const { body } = await until(
    () => audit(item),
    ({ status, body }) => status === 200 && body.record?.isBehind === false && body.orders.inFlight === 0,
  )
  return body
}

export async function placed(sku: string, quantity: number): Promise<{ id: string; version: number }> {
  const cart = await readyCart([{ sku, quantity }])
  const order = await checkout(cart.body.id)
  if (order.status !== 201) throw new Error(JSON.stringify(order.body))
  return order.body
}

/** Units allocated for a purchase that never was, as a call leaves them that came when everything was over. */
export async function phantom(item: string, quantity: number): Promise<string> {
  const { purchaseId } = newCart(now())
  const stock = stockOf(env, STORE, item)
  const held = {
    store: STORE,
    purchaseId,
    version: 1,
    quantity,
    expiresAt: now() + 60_000,
    lowStockThreshold: 0,
  }
  const reserved = await stock.reserve(held)
  const id = orderId(purchaseId)
  const allocated = await stock.allocate({ store: STORE, purchaseId, orderId: id, quantity })
  if (!reserved.ok || !allocated.ok) throw new Error('there is no stock for a phantom')
  return id
}

export function stubOf(item: string, store = 'default') {
  return env.STOCK.get(env.STOCK.idFromName(`${store}/${item}`))
}

/** Changes rows of an item behind its back. */
export async function corrupt(item: string, ...statements: string[]): Promise<void> {
  await runInDurableObject(stubOf(item), (_, state) => {
    for (const statement of statements) state.storage.sql.exec(statement)
  })
  // What it keeps in memory would hide it.
  await evictDurableObject(stubOf(item))
}

/** The ledger's movements, with all that is in them; rows that tell of a drift are none. */
export function ledgerOf(item: string): Promise<unknown[]> {
  return runInDurableObject(stubOf(item), (_, state) =>
    state.storage.sql.exec('select * from movement where type is not null order by sequence').toArray(),
  )
}

/** What was told of drift, oldest first. */
export async function toldDrifts(item: string): Promise<any[]> {
  const events = await allEvents()
  return events.filter(({ type, subject }) => type === 'stock.drift_detected' && subject === `item:${item}`)
}

/** How often the item has told of drift, whether or not the log has it yet. */
export function toldByItem(item: string): Promise<number> {
  return runInDurableObject(
    stubOf(item),
    (_, state) =>
      state.storage.sql
        .exec<{ times: number }>(
          "select count(*) as times from movement where event_type = 'stock.drift_detected'",
        )
        .one().times,
  )
}
