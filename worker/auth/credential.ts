import { hasScope, SCOPES, type Scope } from '../../schema/event-types.ts'

/** Who is asking on a staff route. Its id goes into idempotency scopes and ledgers; the key itself goes nowhere. */
export interface Credential {
  /** `root`, or the id of an API key (`key_...`). */
  id: string
  isRoot: boolean
  scopes: readonly Scope[]
}

export const ROOT_CREDENTIAL: Credential = { id: 'root', isRoot: true, scopes: SCOPES }

export function mayUse(credential: Credential, scope: Scope): boolean {
  return credential.isRoot || hasScope(credential.scopes, scope)
}
