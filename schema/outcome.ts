import type { ProblemCode } from './problems.ts'

/**
 * A refusal is data, never an exception: an object method that writes and then throws leaves its write
 * behind, and an exception across RPC loses its fields. The facts beside the code go into the problem
 * document as they are, so they hold nothing secret.
 */
export interface Refusal {
  ok: false
  code: ProblemCode
  detail?: string
  /** Extension members of the problem document, e.g. `lines` of `insufficient_stock`. */
  facts?: Record<string, unknown>
  /** True when this is a kept answer to a key that was seen before; told by `Idempotency-Replayed`. */
  isReplay?: boolean
}

export type Outcome<T extends object> = ({ ok: true } & T) | Refusal

export function refuse(code: ProblemCode, detail?: string, facts?: Record<string, unknown>): Refusal {
  const refusal: Refusal = { ok: false, code }
  if (detail !== undefined) refusal.detail = detail
  if (facts !== undefined) refusal.facts = facts
  return refusal
}
