import { type Outcome, refuse } from '../../schema/outcome.ts'
import { forgetStore, reloadStore } from './load-store.ts'
import { deleteSetting, SETTINGS_MAX, type SettingTable } from './settings-write-store.ts'
import type { Store } from './store.ts'

/** Sets one setting to what is given. Refused beyond the maximum of its kind. */
export async function putSetting<T extends { code: string }>(
  env: Env,
  kind: {
    table: SettingTable
    put(db: D1Database, store: string, item: T): Promise<boolean>
    limitOf?(item: T): number
  },
  slug: string,
  item: T,
): Promise<Outcome<{ item: T }>> {
  const isPut = await kind.put(env.CATALOGUE, slug, item)
  forgetStore(slug)
  if (isPut) return { ok: true, item }
  const limit = kind.limitOf?.(item) ?? SETTINGS_MAX[kind.table]
  return refuse('limit_reached', `The limit here is ${limit}.`, { limit })
}

/** Removes one setting; fine when it is not there. Refused while it is in use. */
export async function removeSetting(
  env: Env,
  kind: { table: SettingTable; inUse: string | null; itemsOf(store: Store): { code: string }[] },
  slug: string,
  code: string,
): Promise<Outcome<object>> {
  const isDeleted = await deleteSetting(env.CATALOGUE, kind.table, slug, code)
  if (isDeleted) {
    forgetStore(slug)
    return { ok: true }
  }
  const store = await reloadStore(env, slug)
  const isThere = store !== null && kind.itemsOf(store).some((item) => item.code === code)
  return isThere && kind.inUse ? refuse('resource_in_use', kind.inUse) : { ok: true }
}
