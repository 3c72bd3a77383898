import { now } from '../../runtime/clock.ts'
import { sha256Hex } from '../../runtime/digest.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import type { NewMovement } from '../../schema/http/stock.ts'
import type { Outcome, Refusal } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { MoveAnswer } from '../../schema/rpc/stock.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'
import { goodsCommand, type MovedBy, noLocation } from './move-stock.ts'
import { beginRequest } from './request-store.ts'

/** 16 objects at once: 250 movements take some 16 rounds and do not flood the isolate. */
export const OBJECTS_AT_ONCE = 16

export type BatchMovement = NewMovement & { item: string }

export interface Verdict {
  item: string
  outcome: Outcome<MoveAnswer>
}

/** What a batch settles when its key comes first, so that its verdicts do not change with the settings. */
interface Facts {
  /** The priority of each location, by code; null where there was none. */
  locations: [string, number | null][]
}

/**
 * Carries out each movement for itself, those of one item in their order. Repeated under its key it finishes what was
 * cut: each movement has a key of its own in its item's object.
 */
export async function moveBatch(
  env: Env,
  store: Store,
  movements: readonly BatchMovement[],
  by: MovedBy,
): Promise<Outcome<{ verdicts: Verdict[]; isReplay: boolean }>> {
  const codes = [...new Set(movements.map(({ location }) => location))]
  const known = await knownLocations(env, store, codes)
  const facts: Facts = { locations: codes.map((code) => [code, known.get(code)?.priority ?? null]) }
  const begun = await beginRequest<Facts, never>(env, store.ref.slug, by.idempotency, facts, now())
  if (!begun.ok) return begun
  const { request } = begun
  const priorities = new Map(request.facts.locations)

  const verdicts = new Array<Verdict>(movements.length)
  const ofItems = [...Map.groupBy(movements.entries(), ([, { item }]) => item).values()]
  await runBounded(ofItems, OBJECTS_AT_ONCE, async (inOrder) => {
    let unanswered: Refusal | null = null
    for (const [index, { item, ...movement }] of inOrder) {
      const idempotency = await stampOf(by.idempotency, request.createdAt, index)
      const outcome: Outcome<MoveAnswer> =
        // Behind one whose end is not known, the item's others wait for the repeat.
        unanswered ?? (await move(env, store, item, movement, priorities, { ...by, idempotency }))
      if (!outcome.ok && outcome.code === 'unavailable') unanswered = outcome
      verdicts[index] = { item, outcome }
    }
  })
  return { ok: true, verdicts, isReplay: !request.isFirst && verdicts.every(isRepeated) }
}

async function move(
  env: Env,
  store: Store,
  item: string,
  movement: NewMovement,
  priorities: ReadonlyMap<string, number | null>,
  by: MovedBy,
): Promise<Outcome<MoveAnswer>> {
  const priority = priorities.get(movement.location) ?? null
  if (priority === null) return noLocation(movement.location)
  return askStock(env, store, item, (stock) => stock.move(goodsCommand(store, movement, priority, by)))
}

/** The movement's own key: another one each time that the batch's key begins a new life. */
async function stampOf(
  { key, fingerprint }: IdempotencyStamp,
  createdAt: number,
  index: number,
): Promise<IdempotencyStamp> {
  return { key: await sha256Hex(JSON.stringify(['batch', key, createdAt, index])), fingerprint }
}

function isRepeated({ outcome }: Verdict): boolean {
  return outcome.isReplay === true || (!outcome.ok && outcome.code === 'location_not_found')
}
