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
  const present = await reloadStore(env, slug)
  const conflict =
    conflictWith(present, wanted) ?? (present ? null : whyNotHere(env.JURISDICTION, wanted, HOLDFAST_LOCAL))
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

/**
 * Objects go where the store says, databases and queues are where the deployment made them: both must be the same
 * place, or a store's orders would leave its jurisdiction. The local runtime has no jurisdictions at all.
 */
export function whyNotHere(
  deployment: string,
  { jurisdiction }: Pick<PutStore, 'jurisdiction'>,
  isLocal: boolean,
): string | null {
  const wanted = jurisdiction ?? ''
  if (isLocal || wanted === deployment) return null
  return `The databases of this deployment are ${deployment ? `in jurisdiction ${deployment}` : 'in no jurisdiction'}.`
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
