import type { EpochMs } from '../../runtime/clock.ts'
import type { Movement } from '../../schema/rpc/stock.ts'
import { isBorn, migrate } from '../migrate.ts'
import { documentVersion } from './band.ts'
import type { LedgerRow } from './ledger.ts'
import { MIGRATIONS } from './migrations.ts'
import { mergeDeltas } from './positions.ts'
import { movementOf, type Row, toDelta, toLedgerRow } from './rows.ts'
import type { Delta, StockState } from './state.ts'

/** The item itself: one row, by its key. */
export const ITEM = 'select * from item where id = 1'
/** The last row of the ledger: the end of its key. */
const LAST_SEQUENCE = 'select coalesce(max(sequence), 0) as sequence from movement'
/** Appends to the ledger; a sequence that exists is a bug and fails. */
const APPEND = `
  insert into movement (sequence, ulid, type, event_type, occurred_at, data) values (?, ?, ?, ?, ?, ?)`

/** How large the rows are that the log does not have yet, in order, without reading them: the ledger's key. */
const UNCONFIRMED_SIZES = `
  select sequence, octet_length(data) as bytes from movement where sequence > ? order by sequence limit ?`
/** Those rows: the ledger's key. */
const UNCONFIRMED = 'select * from movement where sequence > ? and sequence <= ? order by sequence'
/** Since when the log is behind: the ledger's key. */
const OCCURRED_AT = 'select occurred_at from movement where sequence = ?'
/** Moves the watermarks up, never down. */
const CONFIRM = `
  update item set confirmed = max(confirmed, ?1), recorded_version = max(recorded_version, ?2)
  where id = 1 and (confirmed < ?1 or recorded_version < ?2)`
/** The last movement that leaves for the log: the ledger's key. */
const LAST_LEAVING = `
  select max(sequence) as sequence from (
    select sequence from movement where sequence <= ? order by sequence limit ?)`
/** What leaving movements sum up to, added up as they are read, since each carries all levels: the ledger's key. */
const LEAVING_SUMS = `
  select delta.value ->> 'location' as location, delta.value ->> 'lot' as lot, sum(delta.value ->> 'onHand') as on_hand,
    sum(delta.value ->> 'reserved') as reserved, sum(delta.value ->> 'allocated') as allocated
  from movement, json_each(movement.data, '$.movement.deltas') as delta
  where sequence <= ? and movement.type is not null group by 1, 2`
const DELETE_MOVEMENTS = 'delete from movement where sequence <= ?'
/** Keeps the sums of what has left: the item's own row. */
const SAVE_PRUNED =
  'update item set pruned_sequence = ?1, pruned_sums = ?2, forgotten_after = ?3 where id = 1'
/** A few reservations further along their key, to forget those that ended long ago. */
const RESERVATIONS_AFTER = `
  select purchase_id, ended_at from reservation where purchase_id > ?1 order by purchase_id limit ?2`
const DELETE_RESERVATION = 'delete from reservation where purchase_id = ?'
/** The ledger as staff page through it, newest first: its key. Band crossings are events and no movements. */
const MOVEMENTS = `
  select data from movement where sequence < ? and type is not null order by sequence desc limit ?`

/** How far the relay has come, and up to where movements have left. */
export interface Watermarks {
  confirmed: number
  recordedVersion: number
  prunedSequence: number
}

/** The SQL of the ledger, which is the outbox too: what is told, how far the relay has carried it, and what has left. */
export class LedgerStorage {
  readonly #sql: SqlStorage
  #hasTables: boolean
  #isMigrated = false
  #marks: Watermarks | null = null
  /** The oldest row that is not in the log. */
  #oldest: { sequence: number; at: EpochMs } | null = null
  /** Rows written since the object woke, as the platform bills them. */
  rowsWritten = 0

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#hasTables = isBorn(sql)
    if (this.#hasTables) this.#migrate()
  }

  /** Number of the last row. */
  lastSequence(): number {
    return this.first(LAST_SEQUENCE)!.sequence as number
  }

  append({ sequence, ulid, type, eventType, occurredAt, data }: LedgerRow): void {
    this.write(APPEND, sequence, ulid, type, eventType, occurredAt, data)
  }

  watermarks(): Watermarks {
    this.#marks ??= this.#readMarks()
    return this.#marks
  }

  #readMarks(): Watermarks {
    const row = this.first(ITEM)
    return {
      confirmed: (row?.confirmed ?? 0) as number,
      recordedVersion: (row?.recorded_version ?? 0) as number,
      prunedSequence: (row?.pruned_sequence ?? 0) as number,
    }
  }

  /** Since when the relay is behind; null when it has everything. A newer policy has no instant: it counts as `at`. */
  behindSince(state: StockState, at: EpochMs): EpochMs | null {
    const { confirmed, recordedVersion } = this.watermarks()
    if (state.sequence > confirmed) return this.#occurredAt(confirmed + 1)
    return documentVersion(state) > recordedVersion ? at : null
  }

  #occurredAt(sequence: number): EpochMs {
    if (this.#oldest?.sequence !== sequence) {
      this.#oldest = { sequence, at: this.first(OCCURRED_AT, sequence)!.occurred_at as EpochMs }
    }
    return this.#oldest.at
  }

  /**
   * The rows that the log does not have, from the first: at most `limit`, and of `bytesMax` together. The first goes
   * however large it is, or the run would never move on.
   */
  unconfirmed(limit: number, bytesMax: number): { rows: LedgerRow[]; hasMore: boolean } {
    const { confirmed } = this.watermarks()
    const sizes = this.read(UNCONFIRMED_SIZES, confirmed, limit + 1)
    let bytes = 0
    const beyond = sizes.findIndex((row, i) => {
      bytes += row.bytes as number
      return i === limit || (i > 0 && bytes > bytesMax)
    })
    const last = sizes.at(beyond === -1 ? -1 : beyond - 1)
    if (!last) return { rows: [], hasMore: false }
    const rows = this.read(UNCONFIRMED, confirmed, last.sequence!).map(toLedgerRow)
    return { rows, hasMore: beyond !== -1 }
  }

  confirm(sequence: number, recordedVersion: number): void {
    if (this.#hasTables) this.write(CONFIRM, sequence, recordedVersion)
    this.#marks = null
  }

  /**
   * Up to `limit` rows at or below a sequence leave; their sums stay. On the same occasion reservations that ended
   * before `forgetBefore` are forgotten, among the next `walkMax` along their key; how far that walk came is kept.
   */
  prune(upTo: number, limit: number, forgetBefore: EpochMs, walkMax: number): void {
    const last = this.first(LAST_LEAVING, upTo, limit)?.sequence as number | null
    if (last === null) return
    const sums = mergeDeltas([...this.#prunedSums(), ...this.read(LEAVING_SUMS, last).map(toDelta)])
    const walkedTo = this.#forgetEnded(forgetBefore, walkMax)
    this.write(SAVE_PRUNED, last, JSON.stringify(sums), walkedTo)
    this.write(DELETE_MOVEMENTS, last)
    this.#marks = null
  }

  /** What the movements that have left summed up to, by position. */
  #prunedSums(): Delta[] {
    return JSON.parse((this.first(ITEM)?.pruned_sums ?? '[]') as string) as Delta[]
  }

  /** Answers where to go on next time; '' is the beginning. */
  #forgetEnded(before: EpochMs, walkMax: number): string {
    const after = this.first(ITEM)!.forgotten_after!
    const rows = this.read(RESERVATIONS_AFTER, after, walkMax)
    for (const { purchase_id: purchaseId, ended_at: endedAt } of rows) {
      if (endedAt !== null && (endedAt as number) < before) this.write(DELETE_RESERVATION, purchaseId!)
    }
    return rows.length < walkMax ? '' : (rows.at(-1)!.purchase_id as string)
  }

  movements(before: number | null, limit: number): Movement[] {
    const rows = this.read(MOVEMENTS, before ?? Number.MAX_SAFE_INTEGER, limit)
    return rows.map((row) => movementOf(row.data as string))
  }

  protected first(statement: string, ...values: SqlStorageValue[]): Row | undefined {
    return this.read(statement, ...values)[0]
  }

  protected read(statement: string, ...values: SqlStorageValue[]): Row[] {
    return this.#hasTables ? this.#sql.exec(statement, ...values).toArray() : []
  }

  protected write(statement: string, ...values: SqlStorageValue[]): void {
    this.#migrate()
    this.rowsWritten += this.#sql.exec(statement, ...values).rowsWritten
  }

  /** Runs inside the caller's transaction, so a failing migration or write leaves no half-made tables. */
  #migrate(): void {
    if (this.#isMigrated) return
    migrate(this.#sql, MIGRATIONS)
    this.#hasTables = true
    this.#isMigrated = true
  }

  /** What is remembered is read again. After a transaction that was rolled back it may not be true: not even the tables. */
  forget(): void {
    this.#marks = null
    this.#oldest = null
    this.#isMigrated = false
    this.#hasTables = isBorn(this.#sql)
  }
}
