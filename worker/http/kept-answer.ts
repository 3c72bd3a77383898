import type { Context } from 'hono'
import type { Refusal } from '../../schema/outcome.ts'
import { PROBLEMS, type ProblemCode } from '../../schema/problems.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { AppEnv } from './app-env.ts'

/** 409s that say "not now" rather than "no": they are not kept under the key. */
const PASSING: ReadonlySet<ProblemCode> = new Set(['checkout_in_progress', 'request_in_progress'])

/**
 * A 402 or 409 that is kept under a key is answered with the same bytes each time, its `requestId` included: a request
 * that is repeated under one key is one request, so its id is made from the stamp (a digest, which tells nothing).
 */
export function nameKeptAnswer(c: Context<AppEnv>, { code }: Refusal, stamp: IdempotencyStamp): void {
  const { status } = PROBLEMS[code]
  if ((status === 402 || status === 409) && !PASSING.has(code))
    c.set('requestId', `req_${stamp.key.slice(0, 26)}`)
}
