import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS, type IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { OutboxEvent } from '../../schema/rpc/source.ts'
import type { DisabledReason, EndpointStatus } from '../../schema/rpc/webhook-endpoint.ts'
import type { EndpointState } from './endpoint-state.ts'

/** 5 secrets sign at most: rotations in a panic must not grow the signature header without bound. */
export const SECRETS_ACTIVE_MAX = 5

/** Everything but what moves with each delivery. Served by the key, as all of one row are. */
const SELECT_ENDPOINT = `select * from endpoint`
/** Create, and every change of settings or status. */
const UPSERT_ENDPOINT = `insert into endpoint (one, id, store, url, types, scopes, description, status, disabled_reason,
    created_at, deleted_at, cursor, failing_since)
  values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
  on conflict (one) do update set url = ?3, types = ?4, scopes = ?5, description = ?6, status = ?7, disabled_reason = ?8,
    deleted_at = ?10, cursor = ?11, failing_since = ?12`
/** Reading on. */
const UPDATE_CURSOR = `update endpoint set cursor = ?1`
/** The first failure after a success, and the first success after failures. */
const UPDATE_FAILING_SINCE = `update endpoint set failing_since = ?1`
/** The relay has it. */
const UPDATE_CONFIRMED = `update endpoint set confirmed = max(confirmed, ?1)`

/** Who signs, newest first. A handful of rows. */
const SELECT_SECRETS = `select value from secret where expires_at is null or expires_at > ?1
  order by number desc limit ${SECRETS_ACTIVE_MAX}`
/** Rotation: the new one ... */
const INSERT_SECRET = `insert into secret (number, value) select coalesce(max(number), 0) + 1, ?1 from secret`
/** ... after the old ones got their end ... */
const EXPIRE_SECRETS = `update secret set expires_at = ?1 where expires_at is null`
/** ... and those past it went. */
const DELETE_EXPIRED_SECRETS = `delete from secret where expires_at <= ?1`

/** An event of the endpoint itself. */
const INSERT_EVENT = `insert into outbox (id, type, occurred_at, data) values (?1, ?2, ?3, ?4)`
/** What the relay has not confirmed. Served by the key. */
const SELECT_UNCONFIRMED = `select outbox, id, type, occurred_at, data from outbox
  where outbox > (select confirmed from endpoint) order by outbox limit ?1`
/** Whether the log knows this endpoint or an earlier one of its id (erasing). Served by what AUTOINCREMENT remembers. */
const COUNT_TOLD = `select count(*) as count from sqlite_sequence where name = 'outbox'`
/** Erasing all but that; deliveries went when the endpoint was deleted. */
const DELETE_ALL = ['endpoint', 'secret', 'outbox', 'idempotency'].map((table) => `delete from ${table}`)

/** The first answer to a key. Served by the key. */
const SELECT_ANSWER = `select fingerprint, answer from idempotency where key = ?1 and at > ?2`
const INSERT_ANSWER = `insert or replace into idempotency (key, fingerprint, answer, at) values (?1, ?2, ?3, ?4)`
/** Kept 7 days. A handful of rows: staff commands. */
const DELETE_OLD_ANSWERS = `delete from idempotency where at <= ?1`

/** The SQL of the endpoint itself: settings, secrets, its own events, answers to repeat. Callers hold the transaction. */
export class EndpointStorage {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  endpoint(): EndpointState | null {
    const row = this.#sql.exec<EndpointRow>(SELECT_ENDPOINT).toArray()[0]
    return row ? toState(row) : null
  }

  save(state: EndpointState): void {
    this.#sql.exec(
      UPSERT_ENDPOINT,
      state.id,
      JSON.stringify(state.store),
      state.url,
      JSON.stringify(state.types),
      JSON.stringify(state.scopes),
      state.description,
      state.status,
      state.disabledReason,
      state.createdAt,
      state.deletedAt,
      state.cursor,
      state.failingSince,
    )
  }

  setCursor(position: number): void {
    this.#sql.exec(UPDATE_CURSOR, position)
  }

  setFailingSince(at: EpochMs | null): void {
    this.#sql.exec(UPDATE_FAILING_SINCE, at)
  }

  activeSecrets(now: EpochMs): string[] {
    return this.#sql
      .exec<{ value: string }>(SELECT_SECRETS, now)
      .toArray()
      .map(({ value }) => value)
  }

  addSecret(value: string, now: EpochMs, previousExpiresAt: EpochMs): void {
    this.#sql.exec(DELETE_EXPIRED_SECRETS, now)
    this.#sql.exec(EXPIRE_SECRETS, previousExpiresAt)
    this.#sql.exec(INSERT_SECRET, value)
  }

  recordEvent(event: { id: string; type: EventType; at: EpochMs; data: unknown }): void {
    this.#sql.exec(INSERT_EVENT, event.id, event.type, event.at, JSON.stringify(event.data))
  }

  unconfirmed(subject: string, limit: number): OutboxEvent[] {
    const rows = this.#sql.exec<OutboxRow>(SELECT_UNCONFIRMED, limit).toArray()
    return rows.map(({ outbox, id, type, occurred_at, data }) => ({
      outbox,
      id,
      type: type as EventType,
      subject,
      sequence: outbox,
      occurredAt: occurred_at,
      data,
    }))
  }

  confirm(outbox: number): void {
    this.#sql.exec(UPDATE_CONFIRMED, outbox)
  }

  hasTold(): boolean {
    return this.#sql.exec<{ count: number }>(COUNT_TOLD).one().count > 0
  }

  clear(): void {
    for (const statement of DELETE_ALL) this.#sql.exec(statement)
  }

  /** The first answer to this key; a refusal when the key came with another body; null when it is new. */
  replay<T extends object>(
    stamp: IdempotencyStamp | null,
    now: EpochMs,
  ): Outcome<T & { isReplay: boolean }> | null {
    if (!stamp) return null
    const row = this.#sql
      .exec<{ fingerprint: string; answer: string }>(SELECT_ANSWER, stamp.key, now - IDEMPOTENCY_KEPT_MS)
      .toArray()[0]
    if (!row) return null
    return row.fingerprint === stamp.fingerprint
      ? { ok: true, ...(JSON.parse(row.answer) as T), isReplay: true }
      : refuse('idempotency_key_reused')
  }

  remember(stamp: IdempotencyStamp | null, answer: unknown, now: EpochMs): void {
    if (!stamp) return
    this.#sql.exec(DELETE_OLD_ANSWERS, now - IDEMPOTENCY_KEPT_MS)
    this.#sql.exec(INSERT_ANSWER, stamp.key, stamp.fingerprint, JSON.stringify(answer), now)
  }
}

interface OutboxRow extends Record<string, SqlStorageValue> {
  outbox: number
  id: string
  type: string
  occurred_at: number
  data: string
}

interface EndpointRow extends Record<string, SqlStorageValue> {
  id: string
  store: string
  url: string
  types: string
  scopes: string
  description: string
  status: EndpointStatus
  disabled_reason: DisabledReason | null
  created_at: number
  deleted_at: number | null
  cursor: number
  failing_since: number | null
  confirmed: number
}

function toState(row: EndpointRow): EndpointState {
  return {
    id: row.id,
    store: JSON.parse(row.store),
    url: row.url,
    types: JSON.parse(row.types),
    scopes: JSON.parse(row.scopes),
    description: row.description,
    status: row.status,
    disabledReason: row.disabled_reason,
    createdAt: row.created_at,
    deletedAt: row.deleted_at,
    cursor: row.cursor,
    failingSince: row.failing_since,
    confirmed: row.confirmed,
  }
}
