import { fromIso, toIsoOrNull } from '../../runtime/clock.ts'
import { type LevelsOnWire, levelsOnWire, type PolicyOnWire } from '../../schema/http/stock.ts'
import type { Outcome } from '../../schema/outcome.ts'
import type { Levels, StockPolicy } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'
import { noLocation } from './move-stock.ts'

/** Sets the whole policy of an item; the same again changes nothing. */
export async function setPolicy(
  env: Env,
  store: Store,
  item: string,
  wanted: PolicyOnWire,
): Promise<Outcome<{ body: PolicyOnWire & { levels: LevelsOnWire } }>> {
  const { ref, lowStockThreshold } = store
  return askStock(env, store, item, async (stock) => {
    const known = await knownLocations(
      env,
      store,
      wanted.positions.map(({ location }) => location),
    )
    const unknown = wanted.positions.find(({ location }) => !known.has(location))
    if (unknown) return noLocation(unknown.location)
    const positions = wanted.positions
      // Those that are not named have 0: naming it would only make a position.
      .filter(({ safetyStock }) => safetyStock > 0)
      .map((safety) => ({ ...safety, locationPriority: known.get(safety.location)!.priority }))
    const set = await stock.setPolicy({
      store: ref,
      policy: policyOfWire(wanted),
      positions,
      lowStockThreshold,
    })
    if (!set.ok) return set
    return { ok: true, body: { ...policyOnWire(set.policy, set.levels), levels: levelsOnWire(set.levels) } }
  })
}

/** The policy of the item with what single positions keep safe, which stands with the positions. */
export function policyOnWire(policy: StockPolicy, { positions }: Pick<Levels, 'positions'>): PolicyOnWire {
  const { safetyStock, backorderLimit, availableOn, lowStockThreshold, saleStartsAt, saleEndsAt } = policy
  return {
    safetyStock,
    backorderLimit,
    availableOn: toIsoOrNull(availableOn),
    lowStockThreshold,
    saleStartsAt: toIsoOrNull(saleStartsAt),
    saleEndsAt: toIsoOrNull(saleEndsAt),
    positions: positions
      .filter((position) => position.safetyStock > 0)
      .map(({ location, lot, safetyStock: units }) => ({ location, lot, safetyStock: units })),
  }
}

function policyOfWire({ positions: _, ...policy }: PolicyOnWire): StockPolicy {
  const { availableOn, saleStartsAt, saleEndsAt } = policy
  const ms = (instant: string | null) => (instant === null ? null : fromIso(instant))
  return {
    ...policy,
    availableOn: ms(availableOn),
    saleStartsAt: ms(saleStartsAt),
    saleEndsAt: ms(saleEndsAt),
  }
}
