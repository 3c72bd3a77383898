import type { Context } from 'hono'
import type { Refusal } from '../../schema/outcome.ts'
import { PROBLEMS, type ProblemCode } from '../../schema/problems.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { AppEnv } from './app-env.ts'
import { REPLAYED_HEADER } from './idempotency-key.ts'
import { type ProblemReply, replyRefusal } from './problem.ts'

/** 409s that say "not now" rather than "no": they are not kept under the key. */
const PASSING: ReadonlySet<ProblemCode> = new Set(['checkout_in_progress', 'request_in_progress'])

/**
 * Answers a refusal of a command that carried a key. A 402 or 409 is kept and has the same bytes each time, its
 * `requestId` included: a request that is repeated under one key is one request, so its id is made from the stamp (a
 * digest, which tells nothing). What is not kept is answered as if there were no key.
 */
export function replyKept(
  c: Context<AppEnv>,
  refusal: Refusal,
  stamp: IdempotencyStamp,
  isReplay = refusal.isReplay ?? false,
): ProblemReply {
  if (!isKept(refusal)) return replyRefusal(c, refusal)
  c.set('requestId', keptRequestId(stamp))
  return replyRefusal(c, refusal, isReplay ? REPLAYED_HEADER : {})
}

/** The id of a request that is repeated under one key (docs/decisions/0009). */
export function keptRequestId({ key }: IdempotencyStamp): string {
  return `req_${key.slice(0, 26)}`
}

function isKept({ code }: Refusal): boolean {
  const { status } = PROBLEMS[code]
  return status === 402 || (status === 409 && !PASSING.has(code))
}
