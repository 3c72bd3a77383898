import { fromIso, toIso } from '../../runtime/clock.ts'
import { type LevelsOnWire, levelsOnWire, type PolicyOnWire } from '../../schema/http/stock.ts'
import type { Outcome } from '../../schema/outcome.ts'
import type { StockPolicy } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'

/** Sets the whole policy of an item; the same again changes nothing. */
export async function setPolicy(
  env: Env,
  store: Store,
  item: string,
  policy: PolicyOnWire,
): Promise<Outcome<{ body: PolicyOnWire & { levels: LevelsOnWire } }>> {
  const { ref, lowStockThreshold } = store
  const outcome = await askStock(env, store, item, (stock) =>
    stock.setPolicy({ store: ref, policy: policyOfWire(policy), lowStockThreshold }),
  )
  if (!outcome.ok) return outcome
  return { ok: true, body: { ...policyOnWire(outcome.policy), levels: levelsOnWire(outcome.levels) } }
}

export function policyOnWire(policy: StockPolicy): PolicyOnWire {
  const { availableOn, saleStartsAt, saleEndsAt } = policy
  const iso = (at: number | null) => (at === null ? null : toIso(at))
  return {
    ...policy,
    availableOn: iso(availableOn),
    saleStartsAt: iso(saleStartsAt),
    saleEndsAt: iso(saleEndsAt),
  }
}

function policyOfWire(policy: PolicyOnWire): StockPolicy {
  const { availableOn, saleStartsAt, saleEndsAt } = policy
  const ms = (instant: string | null) => (instant === null ? null : fromIso(instant))
  return {
    ...policy,
    availableOn: ms(availableOn),
    saleStartsAt: ms(saleStartsAt),
    saleEndsAt: ms(saleEndsAt),
  }
}
