import { errorText, log } from '../../runtime/log.ts'
import { EVENT_TYPES, type EventType } from '../../schema/event-types.ts'
import { type LevelsOnWire, levelsOnWire, type PolicyOnWire } from '../../schema/http/stock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Movement } from '../../schema/rpc/stock.ts'
import { readSubjectBackwards } from '../events/log-store.ts'
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
    const policy = policyOnWire(found.policy, found.levels)
    return { ok: true, body: { ...levelsOnWire(found.levels), policy } }
  })
}

/** Events of an item that tell no movement. */
const WITHOUT_MOVEMENT: readonly EventType[] = [
  'stock.availability_changed',
  'stock.shortage',
  'stock.drift_detected',
]
const MOVEMENT_EVENTS = (Object.keys(EVENT_TYPES) as EventType[]).filter(
  (type) => type.startsWith('stock.') && !WITHOUT_MOVEMENT.includes(type),
)

/**
 * One page of an item's ledger, newest first; `next` is the sequence to go on below. The owner keeps the newest rows, the
 * log has them all: where the owner's end, the page goes on in the log.
 */
export async function readMovements(
  env: Env,
  store: Store,
  item: string,
  { before, limit }: { before: number | null; limit: number },
): Promise<Outcome<{ items: Movement[]; next: number | null }>> {
  // One more than is shown says whether there is a next page.
  const wanted = limit + 1
  const kept = await askStock(env, store, item, async (stock) => {
    const found = await stock.movements({ before, limit: wanted })
    const isEmpty = found.movements.length === 0 && !found.olderInLog
    return isEmpty && !(await stock.levels()) ? refuse('item_not_found') : { ok: true, ...found }
  })
  if (!kept.ok) return kept
  const rows = [...kept.movements]
  if (kept.olderInLog && rows.length < wanted) {
    const below = rows.at(-1)?.sequence ?? before
    const older = await readLoggedMovements(env, store, item, { before: below, limit: wanted - rows.length })
    if (!older.ok) return older
    rows.push(...older.movements)
  }
  const items = rows.slice(0, limit).map(withNewerMembers)
  return { ok: true, items, next: rows.length > limit ? items.at(-1)!.sequence : null }
}

/** A row may be older than some of its members. */
function withNewerMembers(row: Movement): Movement {
  return { ...row, note: row.note ?? null, disposition: row.disposition ?? null }
}

async function readLoggedMovements(
  env: Env,
  store: Store,
  item: string,
  { before, limit }: { before: number | null; limit: number },
): Promise<Outcome<{ movements: Movement[] }>> {
  try {
    const events = await readSubjectBackwards(env, {
      store: store.ref.slug,
      subject: `item:${item}`,
      types: MOVEMENT_EVENTS,
      before,
      limit,
    })
    return {
      ok: true,
      movements: events.map(({ data }) => (JSON.parse(data) as { movement: Movement }).movement),
    }
  } catch (error) {
    log('error', 'old movements are not readable', { store: store.ref.slug, item, error: errorText(error) })
    return refuse('unavailable', 'Movements as old as these are not readable just now.')
  }
}
