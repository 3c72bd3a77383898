import { fromIso } from '../../runtime/clock.ts'
import { levelsOnWire, type NewArrival } from '../../schema/http/stock.ts'
import type { Outcome } from '../../schema/outcome.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'
import { noLocation } from './move-stock.ts'

type LevelsBody = ReturnType<typeof levelsOnWire>

/** Says what a supplier will bring under a document number; the same again changes nothing. */
export async function setArrival(
  env: Env,
  store: Store,
  item: string,
  reference: string,
  { location, lot = '', quantity, expectedAt }: NewArrival,
): Promise<Outcome<{ body: { reference: string; levels: LevelsBody } & Required<NewArrival> }>> {
  return askStock(env, store, item, async (stock) => {
    if (!(await knownLocations(env, store, [location])).has(location)) return noLocation(location)
    const set = await stock.setArrival({
      store: store.ref,
      reference,
      location,
      lot,
      quantity,
      expectedAt: expectedAt === null ? null : fromIso(expectedAt),
      lowStockThreshold: store.lowStockThreshold,
    })
    if (!set.ok) return set
    const levels = levelsOnWire(set.levels)
    const arrival = levels.arrivals.find((each) => each.reference === reference)
    return {
      ok: true,
      body: { reference, location, lot, quantity, expectedAt: arrival?.expectedAt ?? null, levels },
    }
  })
}

/** The supplier will not bring it after all; also when nothing was expected. */
export async function removeArrival(
  env: Env,
  store: Store,
  item: string,
  reference: string,
): Promise<Outcome<object>> {
  return askStock(env, store, item, async (stock) => {
    const known = await stock.levels()
    const arrival = known?.levels.arrivals.find((each) => each.reference === reference)
    // An item that nobody knows stays so.
    if (!arrival) return { ok: true }
    return stock.setArrival({
      store: store.ref,
      reference,
      location: arrival.location,
      lot: arrival.lot,
      quantity: 0,
      expectedAt: null,
      lowStockThreshold: store.lowStockThreshold,
    })
  })
}
