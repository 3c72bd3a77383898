import { reloadStore } from '../stores/load-store.ts'
import { type Location, locationOf, type Store } from '../stores/store.ts'

/**
 * The store's locations among these codes. Settings are remembered for some seconds, so one that is not there may have
 * just been made elsewhere: then, and only then, the database is asked.
 */
export async function knownLocations(
  env: Env,
  store: Store,
  codes: readonly string[],
): Promise<Map<string, Location>> {
  const wanted = [...new Set(codes)]
  const isKnown = wanted.every((code) => locationOf(store, code) !== null)
  const settings = isKnown ? store : ((await reloadStore(env, store.ref.slug)) ?? store)
  return new Map(
    wanted.flatMap((code) => {
      const location = locationOf(settings, code)
      return location ? [[code, location]] : []
    }),
  )
}
