import type { EpochMs } from '../../runtime/clock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS, type IdempotencyStamp } from '../../schema/rpc/idempotency.ts'

/** As many as a request can have left behind, and some: the table shrinks while it is used. */
const FORGOTTEN_AT_ONCE = 20

/** A key is free again after its 7 days (every such request). Primary key. */
const FORGET_OWN = `delete from stock_requests where store = ?1 and key = ?2 and created_at <= ?3`
/** Forgets others past their 7 days, a few with each new one. Index stock_requests_by_age. */
const FORGET_OLD = `delete from stock_requests where (store, key) in (
  select store, key from stock_requests where created_at <= ?1 order by created_at limit ${FORGOTTEN_AT_ONCE})`
/** The first request under a key settles the facts. Primary key. */
const INSERT_REQUEST = `insert or ignore into stock_requests (store, key, fingerprint, facts, created_at)
  values (?1, ?2, ?3, ?4, ?5)`
/** What the first one settled, whoever that was. Primary key. */
const SELECT_REQUEST = `select fingerprint, facts, answer, created_at from stock_requests where store = ?1 and key = ?2`
/** The first answer stays. Primary key. */
const SAVE_ANSWER = `update stock_requests set answer = ?3 where store = ?1 and key = ?2 and answer is null`

/** A condition that holds in the batch of the request which settled the facts, and in no other: ?1 store, ?2 key, ?3 facts. */
export const IS_SETTLED_BY_THESE_FACTS = `exists (
  select 1 from stock_requests where store = ?1 and key = ?2 and facts = ?3)`

interface Row {
  fingerprint: string
  facts: string
  answer: string | null
  created_at: number
}

/** A request that moves goods in several objects, as it was when its key came first. */
export interface BegunRequest<Facts, Answer> {
  facts: Facts
  /** Null until it has been carried out. */
  answer: Answer | null
  createdAt: EpochMs
  /** True when this is the first time. */
  isFirst: boolean
}

/**
 * Writes the request down, or reads what was written when its key came first: then `facts` are those of the first time.
 * `alongside` joins the transaction. Another body under the key: `idempotency_key_reused`, nothing written.
 */
export async function beginRequest<Facts, Answer>(
  env: Env,
  slug: string,
  { key, fingerprint }: IdempotencyStamp,
  facts: Facts,
  at: EpochMs,
  alongside: (factsText: string) => D1PreparedStatement[] = () => [],
): Promise<Outcome<{ request: BegunRequest<Facts, Answer> }>> {
  const db = env.CATALOGUE
  const keptSince = at - IDEMPOTENCY_KEPT_MS
  const text = JSON.stringify(facts)
  const results = await db.batch<Row>([
    db.prepare(FORGET_OWN).bind(slug, key, keptSince),
    db.prepare(FORGET_OLD).bind(keptSince),
    db.prepare(INSERT_REQUEST).bind(slug, key, fingerprint, text, at),
    db.prepare(SELECT_REQUEST).bind(slug, key),
    ...alongside(text),
  ])
  const isFirst = results[2]!.meta.changes > 0
  return begun(results[3]!.results[0]!, fingerprint, isFirst)
}

/** The request of this key, if it came before; writes nothing. */
export async function findRequest<Facts, Answer>(
  env: Env,
  slug: string,
  { key, fingerprint }: IdempotencyStamp,
  at: EpochMs,
): Promise<Outcome<{ request: BegunRequest<Facts, Answer> | null }>> {
  const row = await env.CATALOGUE.prepare(SELECT_REQUEST).bind(slug, key).first<Row>()
  const isKept = row !== null && row.created_at > at - IDEMPOTENCY_KEPT_MS
  return isKept ? begun(row, fingerprint, false) : { ok: true, request: null }
}

/**
 * Keeps the answer, in the transaction of the statements that record what it tells. Where the same request came twice at
 * once, the answer of the other one stands.
 */
export async function answerRequest<Answer extends object>(
  env: Env,
  slug: string,
  { key }: IdempotencyStamp,
  answer: Answer,
  alongside: readonly D1PreparedStatement[],
): Promise<{ answer: Answer; isReplay: boolean }> {
  const results = await env.CATALOGUE.batch<Row>([
    ...alongside,
    env.CATALOGUE.prepare(SAVE_ANSWER).bind(slug, key, JSON.stringify(answer)),
    env.CATALOGUE.prepare(SELECT_REQUEST).bind(slug, key),
  ])
  const [saved, selected] = results.slice(-2)
  const kept = selected!.results[0]?.answer
  const isReplay = saved!.meta.changes === 0 && kept != null
  return { answer: isReplay ? (JSON.parse(kept) as Answer) : answer, isReplay }
}

function begun<Facts, Answer>(
  row: Row,
  fingerprint: string,
  isFirst: boolean,
): Outcome<{ request: BegunRequest<Facts, Answer> }> {
  if (row.fingerprint !== fingerprint) return refuse('idempotency_key_reused')
  return {
    ok: true,
    request: {
      facts: JSON.parse(row.facts) as Facts,
      answer: row.answer === null ? null : (JSON.parse(row.answer) as Answer),
      createdAt: row.created_at,
      isFirst,
    },
  }
}
