import { type LevelsOnWire, levelsOnWire, type PolicyOnWire } from '../../schema/http/stock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Movement } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { policyOnWire } from './set-policy.ts'

/** Levels and policy of one item, from its owner, so never behind. */
export async function readStock(
  env: Env,
  store: Store,
  item: string,
): Promise<Outcome<{ body: LevelsOnWire & { policy: PolicyOnWire } }>> {
  return askStock(env, store, item, async (stock) => {
    const found = await stock.levels()
    if (!found) return refuse('item_not_found')
    return { ok: true, body: { ...levelsOnWire(found.levels), policy: policyOnWire(found.policy) } }
  })
}

/** One page of an item's ledger, newest first; `next` is the sequence to go on below. */
export async function readMovements(
  env: Env,
  store: Store,
  item: string,
  { before, limit }: { before: number | null; limit: number },
): Promise<Outcome<{ items: Movement[]; next: number | null }>> {
  return askStock(env, store, item, async (stock) => {
    const found = await stock.movements({ before, limit: limit + 1 })
    if (found.length === 0 && !(await stock.levels())) return refuse('item_not_found')
    const items = found.slice(0, limit)
    return { ok: true, items, next: found.length > limit ? items.at(-1)!.sequence : null }
  })
}
