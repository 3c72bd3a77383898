import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import type { Attempt, Delivery, DeliveryState } from '../../schema/rpc/webhook-endpoint.ts'
import type { After } from './settle.ts'

/** A delivery whose time has come. */
export interface DueDelivery {
  position: number
  eventId: string
  subject: string
  body: string
}

export interface NewDelivery extends DueDelivery {
  sequence: number
  type: string
  occurredAt: EpochMs
}

/** Delivered rows are kept 7 days and 10,000 long: what a person redelivers after a bad deploy. Pending and dead rows are kept. */
export const DELIVERED_KEPT_MS = 7 * 24 * 3600 * 1000
export const DELIVERED_KEPT_MAX = 10_000

/** Writes an event down for delivery; harmless when it is there. It waits if its subject has an earlier one pending. Index delivery_pending. */
const INSERT = `insert or ignore into delivery
  (position, event_id, subject, sequence, type, occurred_at, body, state, attempts, next_attempt_at, history)
  select ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', 0,
    iif(exists (select 1 from delivery where state = 'pending' and subject = ?3), null, ?8), '[]'`

/** What to send now, longest due first. Index delivery_due. */
const SELECT_DUE = `select position, event_id as eventId, subject, body from delivery
  where next_attempt_at is not null and next_attempt_at <= ?1 order by next_attempt_at limit ?2`

/** The alarm. Index delivery_due. */
const SELECT_NEXT_AT = `select min(next_attempt_at) as at from delivery where next_attempt_at is not null`
/** When a drain that rests must go on. Index delivery_due. */
const SELECT_NEXT_AFTER = `select min(next_attempt_at) as at from delivery where next_attempt_at > ?1`

/** A delivery as it is when its attempt ends. Served by the key. */
const SELECT_ONE = `select subject, state, attempts, history from delivery where position = ?1`

/** What the attempt made of it. Served by the key. */
const UPDATE_SETTLED = `update delivery set state = ?2, attempts = ?3, history = ?4, next_attempt_at = ?5, settled_at = ?6
  where position = ?1`

/** The subject goes on with its next event. Index delivery_pending. */
const PROMOTE_NEXT = `update delivery set next_attempt_at = ?2
  where position = (select min(position) from delivery where state = 'pending' and subject = ?1)
    and next_attempt_at is null`

/** After a redelivery put rows back: subjects without a head get one. Index delivery_pending. */
const PROMOTE_ALL = `update delivery set next_attempt_at = ?1 where position in (
  select min(position) from delivery where state = 'pending' group by subject having max(next_attempt_at) is null)`

/** How far behind (describe, and the bound of reading on). Index delivery_pending. */
const COUNT_PENDING = `select count(*) as count from delivery where state = 'pending'`
/** The dead-letter list's length (describe). Index delivery_dead. */
const COUNT_DEAD = `select count(*) as count from delivery where state = 'dead'`

const COLUMNS = `position, event_id, subject, sequence, type, state, attempts, next_attempt_at, history`
/** The list of deliveries, newest first. Served by the key. */
const SELECT_PAGE = `select ${COLUMNS} from delivery where position < ?1 order by position desc limit ?2`
/** The same of one state: by the key, over the bounded list of kept rows. */
const SELECT_PAGE_OF_STATE = `select ${COLUMNS} from delivery
  where state = ?3 and position < ?1 order by position desc limit ?2`
/** The dead-letter list. Index delivery_dead, which a bound state would not match. */
const SELECT_PAGE_OF_DEAD = `select ${COLUMNS} from delivery
  where state = 'dead' and position < ?1 order by position desc limit ?2`

/** A weaker key has aimed the endpoint: what it may not read is not sent there. As rare as a redelivery. Index delivery_pending. */
const BURY_UNSEEN = `update delivery set state = 'dead', next_attempt_at = null, settled_at = ?2
  where state = 'pending' and type not in (select value from json_each(?1))`

/**
 * Redelivery: puts settled rows back and brings waiting retries forward. A rare request of a person over the bounded
 * list of kept rows, so it may scan. `?1` since (when the event occurred), `?2` state, `?3` event ids as JSON, `?5` the
 * types that the endpoint may be sent: rows may be left from when it was aimed by a stronger key.
 */
const SELECT_REDELIVERABLE = `select position from delivery
  where (?1 is null or occurred_at >= ?1) and (?2 is null or state = ?2)
    and (?3 is null or event_id in (select value from json_each(?3)))
    and (state <> 'pending' or next_attempt_at is not null)
    and type in (select value from json_each(?5))
  order by position limit ?4`
const UPDATE_REDELIVERED = `update delivery set attempts = 0, settled_at = null,
    next_attempt_at = iif(state = 'pending', ?2, null), state = 'pending'
  where position in (select value from json_each(?1))`

/** Forgets delivered rows that are old or many (after a drain, now and then). Scans the kept rows. */
const PRUNE = `delete from delivery where state = 'delivered' and (settled_at < ?1 or position < (
  select coalesce(min(position), 0) from (select position from delivery order by position desc limit ?2)))`

/** A deleted endpoint sends nothing any more. */
const DELETE_ALL = `delete from delivery`

/** The SQL of deliveries. Callers hold the transaction. */
export class DeliveryStorage {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  insert(delivery: NewDelivery, now: EpochMs): void {
    const { position, eventId, subject, sequence, type, occurredAt, body } = delivery
    this.#sql.exec(INSERT, position, eventId, subject, sequence, type, occurredAt, body, now)
  }

  due(now: EpochMs, limit: number): DueDelivery[] {
    return this.#sql.exec<DueDelivery & Row>(SELECT_DUE, now, limit).toArray()
  }

  nextAttemptAt(): EpochMs | null {
    return this.#sql.exec<{ at: number | null }>(SELECT_NEXT_AT).one().at
  }

  /** The first attempt that is not due yet. */
  nextAttemptAfter(now: EpochMs): EpochMs | null {
    return this.#sql.exec<{ at: number | null }>(SELECT_NEXT_AFTER, now).one().at
  }

  find(
    position: number,
  ): { subject: string; state: DeliveryState; attempts: number; history: Attempt[] } | null {
    const row = this.#sql
      .exec<{ subject: string; state: DeliveryState; attempts: number; history: string }>(
        SELECT_ONE,
        position,
      )
      .toArray()[0]
    return row ? { ...row, history: JSON.parse(row.history) } : null
  }

  settle(position: number, subject: string, after: After, now: EpochMs): void {
    const settledAt = after.state === 'pending' ? null : now
    const history = JSON.stringify(after.history)
    this.#sql.exec(
      UPDATE_SETTLED,
      position,
      after.state,
      after.attempts,
      history,
      after.nextAttemptAt,
      settledAt,
    )
    if (settledAt !== null) this.#sql.exec(PROMOTE_NEXT, subject, now)
  }

  counts(): { pending: number; dead: number } {
    return { pending: this.pendingCount(), dead: this.#count(COUNT_DEAD) }
  }

  pendingCount(): number {
    return this.#count(COUNT_PENDING)
  }

  page(query: { state: DeliveryState | null; before: number | null; limit: number }): Delivery[] {
    const before = query.before ?? Number.MAX_SAFE_INTEGER
    const { state, limit } = query
    const rows =
      state === null || state === 'dead'
        ? this.#sql.exec<DeliveryRow>(state === null ? SELECT_PAGE : SELECT_PAGE_OF_DEAD, before, limit)
        : this.#sql.exec<DeliveryRow>(SELECT_PAGE_OF_STATE, before, limit, state)
    return rows.toArray().map(toDelivery)
  }

  /** Pending deliveries of other types go to the dead-letter list. */
  buryUnseen(visible: readonly EventType[], now: EpochMs): void {
    this.#sql.exec(BURY_UNSEEN, JSON.stringify(visible), now)
    this.#sql.exec(PROMOTE_ALL, now)
  }

  /** How many were put back, at most `limit`. */
  redeliver(
    filter: {
      eventIds: string[] | null
      since: EpochMs | null
      state: DeliveryState | null
      visible: readonly EventType[]
    },
    now: EpochMs,
    limit: number,
  ): number {
    const ids = filter.eventIds && JSON.stringify(filter.eventIds)
    const positions = this.#sql
      .exec<{ position: number }>(
        SELECT_REDELIVERABLE,
        filter.since,
        filter.state,
        ids,
        limit,
        JSON.stringify(filter.visible),
      )
      .toArray()
      .map(({ position }) => position)
    this.#sql.exec(UPDATE_REDELIVERED, JSON.stringify(positions), now)
    this.#sql.exec(PROMOTE_ALL, now)
    return positions.length
  }

  prune(now: EpochMs): void {
    this.#sql.exec(PRUNE, now - DELIVERED_KEPT_MS, DELIVERED_KEPT_MAX)
  }

  clear(): void {
    this.#sql.exec(DELETE_ALL)
  }

  #count(statement: string): number {
    return this.#sql.exec<{ count: number }>(statement).one().count
  }
}

type Row = Record<string, SqlStorageValue>

interface DeliveryRow extends Row {
  position: number
  event_id: string
  subject: string
  sequence: number
  type: string
  state: DeliveryState
  attempts: number
  next_attempt_at: number | null
  history: string
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    position: row.position,
    eventId: row.event_id,
    type: row.type,
    subject: row.subject,
    sequence: row.sequence,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    history: JSON.parse(row.history),
  }
}
