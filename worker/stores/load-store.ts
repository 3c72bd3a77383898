import type { Store } from './store.ts'

/** Stub until the D1 store is in place. */
export async function loadStore(_env: Env, _slug: string): Promise<Store | null> {
  return null
}

export async function slugOfHostname(_env: Env, _hostname: string): Promise<string | null> {
  return null
}
