/**
 * How an owner remembers a repeatable command. `key` is a digest over store, route, credential and the
 * client's `Idempotency-Key`; `fingerprint` is a digest over the body. Both are made at the edge, so no
 * credential and no body travels with them.
 */
export interface IdempotencyStamp {
  key: string
  fingerprint: string
}

/** Kept 7 days beside the fact that the command created, written in the same transaction. */
export const IDEMPOTENCY_KEPT_MS = 7 * 24 * 3600 * 1000
