import { isSameSecret } from '../../runtime/digest.ts'
import { type Credential, ROOT_CREDENTIAL } from './credential.ts'

/** The holder of a bearer key, or null. A store's key is worth nothing in another store. */
export async function authenticate(
  env: Env,
  _store: string,
  header: string | undefined,
): Promise<Credential | null> {
  const key = /^Bearer ([\x21-\x7e]{1,200})$/.exec(header ?? '')?.[1]
  if (!key) return null
  return (await isSameSecret(key, env.ADMIN_KEY)) ? ROOT_CREDENTIAL : null
}
