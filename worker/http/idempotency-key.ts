import type { Context } from 'hono'
import { sha256Hex } from '../../runtime/digest.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { AppEnv } from './app-env.ts'
import { Problem } from './problem.ts'

/** Long enough for any UUID or hash, short enough to index. */
const KEY_LENGTH_MAX = 255
/** Without a credential the key alone tells shoppers apart: 22 base-64 characters are 128 bits. */
const KEY_LENGTH_MIN_PUBLIC = 22

/** The stamp of a command that must carry an `Idempotency-Key`; without one: 400. */
export async function requiredStamp(c: Context<AppEnv>): Promise<IdempotencyStamp> {
  const stamp = await optionalStamp(c)
  if (!stamp) throw new Problem('idempotency_key_missing')
  return stamp
}

/**
 * Null without the header. The scope of a key is store, route (the path, so that a cart's or an order's id counts)
 * and credential; draft-ietf-httpapi-idempotency-key-header-07 also allows the quoted form, which is the same key.
 */
export async function optionalStamp(c: Context<AppEnv>): Promise<IdempotencyStamp | null> {
  const header = c.req.header('Idempotency-Key')
  if (header === undefined) return null
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header
  const credential = c.get('credential')
  const lengthMin = credential ? 1 : KEY_LENGTH_MIN_PUBLIC
  if (key.length < lengthMin || key.length > KEY_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Problem(
      'idempotency_key_invalid',
      `The key needs ${lengthMin} to ${KEY_LENGTH_MAX} printable ASCII characters.`,
    )
  }
  const scope = JSON.stringify([c.get('store').ref.slug, c.req.method, c.req.path, credential?.id ?? '', key])
  const body = JSON.stringify(sortKeys(JSON.parse((await c.req.text()) || '{}')))
  const [keyDigest, fingerprint] = await Promise.all([sha256Hex(scope), sha256Hex(body)])
  return { key: keyDigest, fingerprint }
}

/** Two bodies that mean the same have one fingerprint, whatever the order of their members. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, member]) => [key, sortKeys(member)]))
}

export const REPLAYED_HEADER = { 'Idempotency-Replayed': 'true' } as const
