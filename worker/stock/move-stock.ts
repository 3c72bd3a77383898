import { fromIso } from '../../runtime/clock.ts'
import type { NewMovement } from '../../schema/http/stock.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { GoodsCommand, MoveAnswer } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'

/** Who moves goods, and under which key. */
export interface MovedBy {
  /** The credential's id; the ledger keeps it. */
  actor: string
  idempotency: IdempotencyStamp
}

/** Receives, adjusts, counts or takes back goods at one of the store's locations. */
export async function moveStock(
  env: Env,
  store: Store,
  item: string,
  movement: NewMovement,
  by: MovedBy,
): Promise<Outcome<MoveAnswer>> {
  return askStock(env, store, item, async (stock) => {
    const location = (await knownLocations(env, store, [movement.location])).get(movement.location)
    if (!location) return noLocation(movement.location)
    return stock.move(goodsCommand(store, movement, location.priority, by))
  })
}

/** The command that a movement is. The order of a return is not looked up: orders know stock, not the reverse. */
export function goodsCommand(
  store: Store,
  movement: NewMovement,
  locationPriority: number,
  by: MovedBy,
): GoodsCommand {
  const {
    type,
    location,
    lot = '',
    expiresAt,
    quantity,
    reason = null,
    reference = null,
    note = null,
  } = movement
  return {
    store: store.ref,
    type,
    location,
    locationPriority,
    lot,
    expiresAt: expiresAt ? fromIso(expiresAt) : null,
    quantity,
    reason,
    reference,
    note,
    expectedOnHand: movement.type === 'count' ? (movement.expectedOnHand ?? null) : null,
    orderId: movement.type === 'return' ? (movement.orderId ?? null) : null,
    disposition: movement.type === 'return' ? movement.disposition : null,
    lowStockThreshold: store.lowStockThreshold,
    ...by,
  }
}

export function noLocation(code: string): Refusal {
  return refuse('location_not_found', `There is no location ${code}.`)
}
