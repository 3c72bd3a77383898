import { fromIso } from '../../runtime/clock.ts'
import type { NewMovement } from '../../schema/http/stock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { MoveAnswer } from '../../schema/rpc/stock.ts'
import { reloadStore } from '../stores/load-store.ts'
import { type Location, locationOf, type Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'

/** Receives, adjusts or counts goods at one of the store's locations. */
export async function moveStock(
  env: Env,
  store: Store,
  item: string,
  movement: NewMovement,
  by: { actor: string; idempotency: IdempotencyStamp },
): Promise<Outcome<MoveAnswer>> {
  const { type, lot, expiresAt, quantity, reason, reference } = movement
  return askStock(env, store, item, async (stock) => {
    const location = await knownLocation(env, store, movement.location)
    if (!location) return refuse('location_not_found', `There is no location ${movement.location}.`)
    return stock.move({
      store: store.ref,
      type,
      location: location.code,
      locationPriority: location.priority,
      lot: lot ?? '',
      expiresAt: expiresAt ? fromIso(expiresAt) : null,
      quantity,
      reason: reason ?? null,
      reference: reference ?? null,
      note: null,
      expectedOnHand: movement.type === 'count' ? (movement.expectedOnHand ?? null) : null,
      lowStockThreshold: store.lowStockThreshold,
      ...by,
    })
  })
}

/** Settings are remembered for some seconds, so a location that is not there may have just been made elsewhere. */
async function knownLocation(env: Env, store: Store, code: string): Promise<Location | null> {
  const known = locationOf(store, code)
  if (known) return known
  const fresh = await reloadStore(env, store.ref.slug)
  return fresh && locationOf(fresh, code)
}
