import { now } from '../../runtime/clock.ts'
import type { PutStore } from '../../schema/http/settings.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { forgetHostnames, reloadStore } from './load-store.ts'
import { bearStore } from './settings-write-store.ts'
import type { Store } from './store.ts'

/**
 * The store is there afterwards, with the state every store is born with. Jurisdiction and region are in the ids and
 * places of its objects, so they are only ever said once.
 */
export async function putStore(env: Env, slug: string, wanted: PutStore): Promise<Outcome<{ store: Store }>> {
  const conflict = conflictWith(await reloadStore(env, slug), wanted)
  if (conflict) return refuse('jurisdiction_conflict', conflict)
  const isBorn = await bearStore(env.CATALOGUE, slug, wanted, now())
  if (!isBorn) return refuse('resource_in_use', 'Another store has one of these hostnames.')
  forgetHostnames()
  const store = await reloadStore(env, slug)
  if (!store) throw new Error('a store that was just written is not there')
  // Two first requests may have raced with different jurisdictions; one of them is told.
  const lost = conflictWith(store, wanted)
  return lost ? refuse('jurisdiction_conflict', lost) : { ok: true, store }
}

function conflictWith(store: Store | null, { jurisdiction, region }: PutStore): string | null {
  if (!store) return null
  if (jurisdiction !== undefined && jurisdiction !== store.ref.jurisdiction) {
    return `The store's jurisdiction is ${store.ref.jurisdiction ?? 'none'}.`
  }
  if (region !== undefined && region !== store.ref.region) {
    return `The store's region is ${store.ref.region ?? 'none'}.`
  }
  return null
}
