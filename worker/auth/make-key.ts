import { now } from '../../runtime/clock.ts'
import { isSameSecret } from '../../runtime/digest.ts'
import type { NewApiKey } from '../../schema/http/settings.ts'
import { newId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS, type IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import { deriveApiKey, hashApiKey } from './api-key.ts'
import { type Credential, mayUse } from './credential.ts'
import { type ApiKey, insertKey, selectReplay } from './key-store.ts'

/** A key for each of a merchant's systems and people; more would be a leak that nobody looks at. */
export const API_KEYS_MAX = 200

interface Made {
  key: ApiKey
  /** Null in a replay after the root key was changed, which derives other secrets. */
  secret: string | null
  isReplay: boolean
}

/** A new key with the given scopes, none of which its maker lacks. With a stamp: the same key for the same request. */
export async function makeKey(
  env: Env,
  store: string,
  maker: Credential,
  wanted: NewApiKey,
  stamp: IdempotencyStamp | null,
): Promise<Outcome<Made>> {
  const lacking = wanted.scopes.find((scope) => !mayUse(maker, scope))
  if (lacking) return refuse('scope_missing', `A key cannot give the scope ${lacking}, which it lacks.`)
  const createdAt = now()
  const replay = stamp && (await replayOf(env, store, stamp, createdAt))
  if (replay) return replay
  const id = newId('apiKey', createdAt)
  const secret = await deriveApiKey(env.ADMIN_KEY, store, id)
  const keyHash = await hashApiKey(secret)
  const key: ApiKey = { ...wanted, id, keyHash, createdBy: maker.id, createdAt }
  const stampedBefore = createdAt - IDEMPOTENCY_KEPT_MS
  const isMade = await insertKey(env.CATALOGUE, store, key, stamp, stampedBefore, API_KEYS_MAX)
  if (isMade) return { ok: true, key, secret, isReplay: false }
  // The same request may have come twice at once: then the other one made the key.
  const raced = stamp && (await replayOf(env, store, stamp, createdAt))
  return raced ?? refuse('limit_reached', `The limit here is ${API_KEYS_MAX}.`, { limit: API_KEYS_MAX })
}

async function replayOf(
  env: Env,
  store: string,
  stamp: IdempotencyStamp,
  at: number,
): Promise<Outcome<Made> | null> {
  const earlier = await selectReplay(env.CATALOGUE, store, stamp.key)
  if (!earlier || earlier.key.createdAt < at - IDEMPOTENCY_KEPT_MS) return null
  if (earlier.fingerprint !== stamp.fingerprint) return refuse('idempotency_key_reused')
  const secret = await deriveApiKey(env.ADMIN_KEY, store, earlier.key.id)
  const isSame = await isSameSecret(await hashApiKey(secret), earlier.key.keyHash)
  return { ok: true, key: earlier.key, secret: isSame ? secret : null, isReplay: true }
}
