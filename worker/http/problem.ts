import type { Context, TypedResponse } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Refusal } from '../../schema/outcome.ts'
import { PROBLEMS, type ProblemCode } from '../../schema/problems.ts'
import type { AppEnv } from './app-env.ts'

/** One field of a malformed request; `path` is a JSON Pointer (RFC 6901), `/query/limit` for parameters. */
export interface FieldError {
  path: string
  message: string
}

/** Seconds after which asking again is worth it, sent where the caller did not say. */
export const RETRY_AFTER_SECONDS = 1
const RETRYABLE: ReadonlySet<ProblemCode> = new Set([
  'checkout_in_progress',
  'request_in_progress',
  'rate_limited',
  'payment_provider_unavailable',
  'unavailable',
])

/**
 * How middleware and validation end a request early. Use cases do not throw this: they return a `Refusal`,
 * which `replyRefusal` turns into the same document.
 */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly facts: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(
    code: ProblemCode,
    detail?: string,
    facts: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail ?? PROBLEMS[code].next)
    this.code = code
    this.facts = facts
    this.headers = headers
  }
}

/** The body of every error (RFC 9457). Facts never overwrite the standard members. */
export function problemBody(
  code: ProblemCode,
  detail: string,
  requestId: string,
  facts: Record<string, unknown> = {},
) {
  const { status, title } = PROBLEMS[code]
  return { ...facts, type: `/docs/errors#${code}`, title, status, detail, code, requestId }
}

/** A refusal as a problem document, for answers that hold several. */
export function refusalBody({ code, detail, facts }: Refusal, requestId: string) {
  return problemBody(code, detail ?? PROBLEMS[code].next, requestId, facts)
}

/** A problem may stand where a route's typed answer is expected: every route describes its problems itself. */
export type ProblemReply = Response & TypedResponse<never, never, never>

export function replyProblem(c: Context<AppEnv>, problem: Problem): ProblemReply {
  const { status } = PROBLEMS[problem.code]
  const headers: Record<string, string> = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...problem.headers,
  }
  if (RETRYABLE.has(problem.code)) headers['Retry-After'] ??= String(RETRY_AFTER_SECONDS)
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
  const body = problemBody(problem.code, problem.message, c.get('requestId') ?? '', problem.facts)
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, headers) as ProblemReply
}

export function replyRefusal(
  c: Context<AppEnv>,
  refusal: Refusal,
  headers: Record<string, string> = {},
): ProblemReply {
  return replyProblem(c, new Problem(refusal.code, refusal.detail, refusal.facts, headers))
}
