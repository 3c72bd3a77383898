import type { EpochMs } from '../../runtime/clock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { CheckoutAnswer } from '../../schema/rpc/purchase.ts'
import type { OutboxEvent } from '../../schema/rpc/source.ts'
import { isBorn, migrate } from '../migrate.ts'
import { MIGRATIONS } from './migrations.ts'
import type { PaymentRef, PurchaseState } from './state.ts'
import { orderUpToDate, upToDate } from './up-to-date.ts'

/** Every command and read: the whole state; primary key. */
const READ_DOCUMENTS = 'select part, json from document'
/** Every change; primary key. */
/** Emptying an object whose id may come again (all of its rows); the newest attempt keeps the count of payment ids. */
const FORGET_PURCHASE = [
  'delete from document',
  'delete from idempotency',
  'delete from event',
  'delete from attempt where number < (select max(number) from attempt)',
  'update attempt set key = null, payment = null, answer = null',
  'update watermark set confirmed = 0, recorded = 0',
]
const WRITE_DOCUMENT =
  'insert into document (part, json) values (?, ?) on conflict do update set json = excluded.json'

/** Begin of a checkout: a known key answers its attempt. A handful of rows an object, so no index. */
const ATTEMPT_OF_KEY = 'select number, fingerprint from attempt where key = ? and kept_until > ?'
/** Numbers of attempts are never used twice, since payment ids are made of them; primary key. */
const LAST_ATTEMPT = 'select coalesce(max(number), 0) as number from attempt'
const WRITE_ATTEMPT =
  'insert into attempt (number, key, fingerprint, payment, answer, kept_until) values (?, ?, ?, null, null, ?)'
/** Attempts that made no payment are of no use once their key is forgotten; the newest keeps the count. */
const DROP_OVERDUE_ATTEMPTS = 'delete from attempt where kept_until <= ? and number < ? and payment is null'
/** The first answer of an attempt stays; primary key. */
const WRITE_ANSWER = 'update attempt set answer = ? where number = ? and answer is null'
/** An answer that is not kept (503): the key may begin a new attempt. */
const FREE_KEY = 'update attempt set key = null where number = ?'
/** Which payment an attempt made, for notifications that come late; primary key. */
const WRITE_PAYMENT = 'update attempt set payment = ? where number = ?'
const READ_ATTEMPT = 'select payment, answer from attempt where number = ?'

/** Replays of create and cancel; primary key. */
const READ_KEPT = 'select fingerprint, answer from idempotency where key = ? and kept_until > ?'
const WRITE_KEPT =
  'insert or replace into idempotency (key, fingerprint, answer, kept_until) values (?, ?, ?, ?)'
const DROP_OVERDUE_KEPT = 'delete from idempotency where kept_until <= ?'
/** The alarm of an object that keeps nothing but a refusal. */
const LAST_KEPT = 'select max(kept_until) as until from idempotency'

/** The outbox, in order; primary key. */
const LAST_OUTBOX = 'select coalesce(max(outbox), 0) as outbox from event'
const WRITE_EVENT =
  'insert into event (outbox, id, type, subject, sequence, occurred_at, data) values (?, ?, ?, ?, ?, ?, ?)'
/** The relay: the unconfirmed run; primary key. */
const UNCONFIRMED = `select outbox, id, type, subject, sequence, occurred_at, data from event
  where outbox > (select confirmed from watermark) order by outbox limit ?`
/** The alarm: is anything unconfirmed, and since when; primary key. */
const OLDEST_UNCONFIRMED =
  'select occurred_at from event where outbox > (select confirmed from watermark) order by outbox limit 1'
/** The alarm: is the record behind; one row. */
const READ_RECORDED = 'select recorded from watermark'
/** Never beyond what there is, never back; one row. */
const CONFIRM = `update watermark set recorded = max(recorded, ?2),
  confirmed = max(confirmed, min(?1, (select coalesce(max(outbox), 0) from event)))`

/** All SQL of the Purchase object. Every writing method belongs inside the caller's `transactionSync`. */
export class PurchaseStorage {
  readonly #sql: SqlStorage
  #isReady: boolean

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#isReady = false
    if (this.exists()) this.migrate()
  }

  exists(): boolean {
    return this.#isReady || isBorn(this.#sql)
  }

  /** Before the first write, and in the constructor of an object that has been written to. */
  migrate(): void {
    if (this.#isReady) return
    migrate(this.#sql, MIGRATIONS)
    this.#isReady = true
  }

  /** After `deleteAll`: as if it had never been written to. Also after a transaction that migrated and rolled back. */
  forget(): void {
    this.#isReady = false
  }

  #documents(): Map<string, string> {
    if (!this.exists()) return new Map()
    const rows = this.#sql.exec<{ part: string; json: string }>(READ_DOCUMENTS).toArray()
    return new Map(rows.map(({ part, json }) => [part, json]))
  }

  /** How far the events of an earlier purchase of this id counted; null for an id that is new. */
  pastSequences(): PurchaseState['sequences'] | null {
    const past = this.#documents().get('past')
    return past === undefined ? null : (JSON.parse(past) as PurchaseState['sequences'])
  }

  /** Forgets the purchase and goes on counting: its subjects in the log stay gap-free if the id comes again. */
  keepPast(sequences: PurchaseState['sequences']): void {
    for (const statement of FORGET_PURCHASE) this.#sql.exec(statement)
    this.#sql.exec(WRITE_DOCUMENT, 'past', JSON.stringify(sequences))
  }

  load(): PurchaseState | null {
    const parts = this.#documents()
    const cart = parts.get('cart')
    if (cart === undefined) return null
    const order = parts.get('order')
    return {
      ...upToDate(JSON.parse(cart)),
      order: order === undefined ? null : orderUpToDate(JSON.parse(order)),
    }
  }

  save(next: PurchaseState, before: PurchaseState | null): void {
    const { order, ...cart } = next
    this.#sql.exec(WRITE_DOCUMENT, 'cart', JSON.stringify(cart))
    if (order && order !== before?.order) this.#sql.exec(WRITE_DOCUMENT, 'order', JSON.stringify(order))
  }

  attemptOfKey(key: string, at: EpochMs): { number: number; fingerprint: string } | null {
    if (!this.exists()) return null
    return (
      this.#sql.exec<{ number: number; fingerprint: string }>(ATTEMPT_OF_KEY, key, at).toArray()[0] ?? null
    )
  }

  lastAttempt(): number {
    return this.#sql.exec<{ number: number }>(LAST_ATTEMPT).one().number
  }

  writeAttempt(number: number, key: string, fingerprint: string, at: EpochMs, keptUntil: EpochMs): void {
    this.#sql.exec(DROP_OVERDUE_ATTEMPTS, at, number)
    this.#sql.exec(WRITE_ATTEMPT, number, key, fingerprint, keptUntil)
  }

  writeAnswer(number: number, answer: CheckoutAnswer, isKept: boolean): void {
    this.#sql.exec(WRITE_ANSWER, JSON.stringify(answer), number)
    if (!isKept) this.#sql.exec(FREE_KEY, number)
  }

  writePayment(number: number, payment: PaymentRef): void {
    this.#sql.exec(WRITE_PAYMENT, JSON.stringify(payment), number)
  }

  attempt(number: number): { payment: PaymentRef | null; answer: CheckoutAnswer | null } | null {
    if (!this.exists()) return null
    const row = this.#sql
      .exec<{ payment: string | null; answer: string | null }>(READ_ATTEMPT, number)
      .toArray()[0]
    if (!row) return null
    return {
      payment: row.payment === null ? null : JSON.parse(row.payment),
      answer: row.answer === null ? null : JSON.parse(row.answer),
    }
  }

  /** The first answer to this key; a refusal when the key came with another body; null when it is new. */
  replay<T extends object>(
    stamp: IdempotencyStamp | null,
    at: EpochMs,
  ): Outcome<T & { isReplay: boolean }> | null {
    if (!stamp || !this.exists()) return null
    const row = this.#sql.exec<{ fingerprint: string; answer: string }>(READ_KEPT, stamp.key, at).toArray()[0]
    if (!row) return null
    if (row.fingerprint !== stamp.fingerprint) return refuse('idempotency_key_reused')
    return { ...(JSON.parse(row.answer) as Outcome<T>), isReplay: true }
  }

  keep(stamp: IdempotencyStamp | null, answer: Outcome<object>, at: EpochMs, keptUntil: EpochMs): void {
    if (!stamp) return
    this.#sql.exec(DROP_OVERDUE_KEPT, at)
    this.#sql.exec(WRITE_KEPT, stamp.key, stamp.fingerprint, JSON.stringify(answer), keptUntil)
  }

  lastKeptUntil(): EpochMs | null {
    return this.exists() ? this.#sql.exec<{ until: number | null }>(LAST_KEPT).one().until : null
  }

  writeEvents(events: Omit<OutboxEvent, 'outbox'>[]): void {
    if (events.length === 0) return
    let { outbox } = this.#sql.exec<{ outbox: number }>(LAST_OUTBOX).one()
    for (const { id, type, subject, sequence, occurredAt, data } of events) {
      this.#sql.exec(WRITE_EVENT, ++outbox, id, type, subject, sequence, occurredAt, data)
    }
  }

  unconfirmed(limit: number): OutboxEvent[] {
    if (!this.exists()) return []
    return this.#sql
      .exec<Record<string, string | number>>(UNCONFIRMED, limit)
      .toArray()
      .map((row) => ({
        outbox: row.outbox as number,
        id: row.id as string,
        type: row.type as OutboxEvent['type'],
        subject: row.subject as string,
        sequence: row.sequence as number,
        occurredAt: row.occurred_at as number,
        data: row.data as string,
      }))
  }

  oldestUnconfirmedAt(): EpochMs | null {
    if (!this.exists()) return null
    return this.#sql.exec<{ occurred_at: number }>(OLDEST_UNCONFIRMED).toArray()[0]?.occurred_at ?? null
  }

  /** The version of the order that the record has; 0 before it has any. */
  recordedVersion(): number {
    return this.exists() ? this.#sql.exec<{ recorded: number }>(READ_RECORDED).one().recorded : 0
  }

  confirm(outbox: number, documentVersion: number): void {
    this.#sql.exec(CONFIRM, outbox, documentVersion)
  }
}
