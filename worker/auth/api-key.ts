import { hmacSha256, sha256Hex } from '../../runtime/digest.ts'
import { encodeToken } from '../../runtime/random.ts'

/**
 * A key is `hf_`, the 26 characters of its id's ULID, and a secret of 32 characters (160 bits). The secret is an HMAC
 * of store and id under the root key: it is stored nowhere (its SHA-256 is), and a repeated POST can show it again.
 */
const PATTERN = /^hf_([0-9a-z]{26})([0-9a-z]{32})$/

export async function deriveApiKey(rootKey: string, store: string, id: string): Promise<string> {
  const secret = encodeToken(await hmacSha256(rootKey, JSON.stringify(['api-key', store, id])))
  return `hf_${id.slice('key_'.length)}${secret}`
}

/** The id a key claims, or null when the text cannot be a key. */
export function claimedKeyId(key: string): string | null {
  const ulid = PATTERN.exec(key)?.[1]
  return ulid === undefined ? null : `key_${ulid}`
}

export function hashApiKey(key: string): Promise<string> {
  return sha256Hex(key)
}
