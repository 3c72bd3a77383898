import type { StorePatch } from '../../schema/http/settings.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { reloadStore } from './load-store.ts'
import { updateStore } from './settings-write-store.ts'
import type { Store } from './store.ts'

/** Changes the settings that are given and keeps the others. */
export async function patchStore(
  env: Env,
  slug: string,
  patch: StorePatch,
): Promise<Outcome<{ store: Store }>> {
  if (!(await updateStore(env.CATALOGUE, slug, patch))) return refuse('market_not_found')
  const store = await reloadStore(env, slug)
  return store ? { ok: true, store } : refuse('store_not_found')
}
