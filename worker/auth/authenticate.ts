import { now } from '../../runtime/clock.ts'
import { isSameSecret } from '../../runtime/digest.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { Scope } from '../../schema/event-types.ts'
import { Problem } from '../http/problem.ts'
import { claimedKeyId, hashApiKey } from './api-key.ts'
import { type Credential, ROOT_CREDENTIAL } from './credential.ts'
import { selectKey } from './key-store.ts'

/** How long a deleted key may still work in another isolate; the price of not reading D1 on every staff request. */
const FRESH_FOR_MS = 5_000
const REMEMBERED_MAX = 1_000

interface Remembered {
  id: string
  scopes: Scope[]
  keyHash: string
  readAt: number
}
const keys = new Map<string, Remembered>()

/**
 * The holder of a bearer key, or null. A store's key is worth nothing in another store: it is looked up by
 * store and id, so there is no row to find there.
 */
export async function authenticate(
  env: Env,
  store: string,
  header: string | undefined,
): Promise<Credential | null> {
  const key = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(header ?? '')?.[1]
  if (!key) return null
  // A deployment without ADMIN_KEY has no root, rather than one with an empty key.
  if (env.ADMIN_KEY && (await isSameSecret(key, env.ADMIN_KEY))) return ROOT_CREDENTIAL
  const id = claimedKeyId(key)
  const known = id === null ? null : await keyOf(env, store, id)
  if (!known || !(await isSameSecret(await hashApiKey(key), known.keyHash))) return null
  return { id: known.id, isRoot: false, scopes: known.scopes }
}

/** After DELETE, so that this isolate refuses the key at once. */
export function forgetKey(store: string, id: string): void {
  keys.delete(`${store}/${id}`)
}

async function keyOf(env: Env, store: string, id: string): Promise<Remembered | null> {
  const name = `${store}/${id}`
  const known = keys.get(name)
  if (known && Math.abs(now() - known.readAt) < FRESH_FOR_MS) return known
  keys.delete(name)
  const row = await readKey(env, store, id)
  if (!row) return null
  if (keys.size >= REMEMBERED_MAX) keys.delete(keys.keys().next().value!)
  const entry = { ...row, readAt: now() }
  keys.set(name, entry)
  return entry
}

async function readKey(env: Env, store: string, id: string) {
  try {
    return await selectKey(env.CATALOGUE, store, id)
  } catch (error) {
    // A key that cannot be checked is not a wrong key: 503 and not 401.
    log('warn', 'api keys are not readable', { store, error: errorText(error) })
    throw new Problem('unavailable', 'Keys cannot be checked at the moment.')
  }
}
