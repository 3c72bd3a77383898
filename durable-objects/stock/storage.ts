import type { EpochMs } from '../../runtime/clock.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { Arrival, Movement, StockPolicy } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { isBorn, migrate } from '../migrate.ts'
import { documentVersion } from './band.ts'
import type { LedgerRow } from './ledger.ts'
import { MIGRATIONS } from './migrations.ts'
import { mergeDeltas } from './positions.ts'
import {
  isSame,
  movementOf,
  type Row,
  toArrival,
  toDelta,
  toLedgerRow,
  toPosition,
  toReservation,
  toShare,
} from './rows.ts'
import {
  type Delta,
  isBeyondHand,
  type KeptPosition,
  NO_POLICY,
  type Reservation,
  type Share,
  type StockState,
} from './state.ts'

/** The item itself: one row, by its key. */
const ITEM = 'select * from item where id = 1'
/** The last row of the ledger: the end of its key. */
const LAST_SEQUENCE = 'select coalesce(max(sequence), 0) as sequence from movement'
/** All positions of the item, some dozens; every decision weighs them all. */
const POSITIONS = 'select * from position order by location, lot'
/** The reservation of one purchase: primary key. */
const RESERVATION = 'select * from reservation where purchase_id = ?'
/** Holds past their end, first ended first: index reservation_due. */
const OVERDUE = `
  select * from reservation where state = 'held' and expires_at <= ?
  order by expires_at, purchase_id limit ?`
/** What holds past their end still have, by place, for readers; added up here, since they may be many: index reservation_due. */
const OVERDUE_UNITS = `
  select share.value ->> 'location' as location, share.value ->> 'lot' as lot,
    sum(share.value ->> 'quantity') as quantity
  from reservation, json_each(reservation.shares) as share
  where state = 'held' and expires_at <= ? group by 1, 2`
/** When to wake for the next end of a hold: index reservation_due. */
const NEXT_HOLD_END = `select min(expires_at) as expires_at from reservation where state = 'held'`
/** Promises that wait for goods, orders before carts, oldest first: index reservation_beyond_hand. */
const BEYOND_HAND_OLDEST_FIRST = `
  select * from reservation where beyond_hand > 0 and state = ?1 order by since, purchase_id limit ?2`
/** Promises of goods at one place, newest first, when goods were lost there: a rare walk over what is promised. */
const PROMISED_AT = `
  select * from reservation
  where state = ?1 and exists (
    select 1 from json_each(reservation.shares) where value ->> 'location' = ?2 and value ->> 'lot' = ?3)
  order by since desc, purchase_id desc limit ?4`
/** Goods on their way: all, by key; at most 100. */
const ARRIVALS = 'select * from arrival order by reference'
const SAVE_ARRIVAL = `
  insert into arrival (reference, kind, location, lot, quantity, expected_at, expires_at)
  values (?, ?, ?, ?, ?, ?, ?)
  on conflict (reference) do update set
    location = excluded.location, lot = excluded.lot, quantity = excluded.quantity,
    expected_at = excluded.expected_at, expires_at = excluded.expires_at`
const DELETE_ARRIVAL = 'delete from arrival where reference = ?'
/** A lot whose time is over: primary key. */
const DELETE_POSITION = 'delete from position where location = ? and lot = ?'

/** Sets one position: primary key. Written only when it changed. */
const SAVE_POSITION = `
  insert into position (location, lot, expires_at, priority, on_hand, reserved, allocated, safety_stock)
  values (?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (location, lot) do update set
    expires_at = excluded.expires_at, priority = excluded.priority, on_hand = excluded.on_hand,
    reserved = excluded.reserved, allocated = excluded.allocated, safety_stock = excluded.safety_stock`
/** Sets one reservation: primary key. */
const SAVE_RESERVATION = `
  insert into reservation (purchase_id, version, state, quantity, expires_at, order_id, shares, beyond_hand, since, commands, ended_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (purchase_id) do update set
    version = excluded.version, state = excluded.state, quantity = excluded.quantity,
    expires_at = excluded.expires_at, order_id = excluded.order_id, shares = excluded.shares,
    beyond_hand = excluded.beyond_hand, since = excluded.since, commands = excluded.commands,
    ended_at = excluded.ended_at`
/** Makes or changes the item's own row; its watermarks stay. */
const SAVE_ITEM = `
  insert into item (id, store, policy, policy_version, store_low_stock_threshold, band, band_at)
  values (1, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set
    policy = excluded.policy, policy_version = excluded.policy_version,
    store_low_stock_threshold = excluded.store_low_stock_threshold, band = excluded.band,
    band_at = excluded.band_at`
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

/** The first answer to an idempotency key, for as long as it is kept: primary key. */
const COMMAND = 'select fingerprint, answer from command where key = ? and kept_until > ?'
const SAVE_COMMAND = 'insert into command (key, fingerprint, answer, kept_until) values (?, ?, ?, ?)'
/** Forgets answers past their 7 days, with each new one: index command_by_end. */
const PRUNE_COMMANDS = 'delete from command where kept_until <= ?'

/** How far the relay has come, and up to where movements have left. */
export interface Watermarks {
  confirmed: number
  recordedVersion: number
  prunedSequence: number
}

/** All SQL of the Stock object. Reads of an object that was never written to write nothing; the first write makes the tables. */
export class StockStorage {
  readonly #sql: SqlStorage
  readonly #item: string
  #hasTables: boolean
  /**
   * What was last read or written. The object is its tables' only writer, so its memory is as true as they are, and most
   * commands read one row: the reservation that they are about.
   */
  #state: StockState | null = null
  #marks: Watermarks | null = null
  /** Undefined: not known. */
  #nextHoldEnd: EpochMs | null | undefined
  /** The oldest row that is not in the log. */
  #oldest: { sequence: number; at: EpochMs } | null = null
  /** Rows written since the object woke, as the platform bills them. */
  rowsWritten = 0

  constructor(sql: SqlStorage, item: string) {
    this.#sql = sql
    this.#item = item
    this.#hasTables = isBorn(sql)
    if (this.#hasTables) this.#migrate()
  }

  load(): StockState {
    this.#state ??= this.#readState()
    return this.#state
  }

  #readState(): StockState {
    const empty: StockState = {
      item: this.#item,
      store: null,
      positions: [],
      arrivals: [],
      policy: NO_POLICY,
      storeLowStockThreshold: 0,
      band: 'out_of_stock',
      bandAt: 0,
      sequence: 0,
      policyVersion: 0,
    }
    const row = this.#first(ITEM)
    if (!row) return empty
    return {
      ...empty,
      store: JSON.parse(row.store as string) as StoreRef,
      positions: this.#read(POSITIONS).map(toPosition),
      arrivals: this.#read(ARRIVALS).map(toArrival),
      policy: JSON.parse(row.policy as string) as StockPolicy,
      storeLowStockThreshold: row.store_low_stock_threshold as number,
      band: row.band as Band,
      bandAt: row.band_at as EpochMs,
      sequence: this.#first(LAST_SEQUENCE)!.sequence as number,
      policyVersion: row.policy_version as number,
    }
  }

  reservation(purchaseId: string): Reservation | null {
    const row = this.#first(RESERVATION, purchaseId)
    return row ? toReservation(row) : null
  }

  overdue(at: EpochMs, limit: number): Reservation[] {
    const nextEnd = this.nextHoldEnd()
    if (nextEnd === null || nextEnd > at) return []
    const rows = this.#read(OVERDUE, at, limit)
    if (rows.length === 0) this.#nextHoldEnd = undefined
    return rows.map(toReservation)
  }

  overdueUnits(at: EpochMs): Share[] {
    const nextEnd = this.nextHoldEnd()
    return nextEnd === null || nextEnd > at ? [] : this.#read(OVERDUE_UNITS, at).map(toShare)
  }

  /**
   * When the next hold ends, or earlier: a hold that ended otherwise leaves its instant here until the next alarm. Waking
   * up once for nothing is cheaper than looking after every command.
   */
  nextHoldEnd(): EpochMs | null {
    if (this.#nextHoldEnd === undefined) {
      this.#nextHoldEnd = (this.#first(NEXT_HOLD_END)?.expires_at ?? null) as EpochMs | null
    }
    return this.#nextHoldEnd
  }

  /** Promises without goods, in the order in which goods that come free cover them. */
  beyondHand(limit: number): Reservation[] {
    const orders = this.#read(BEYOND_HAND_OLDEST_FIRST, 'allocated', limit)
    const carts = this.#read(BEYOND_HAND_OLDEST_FIRST, 'held', limit - orders.length)
    return [...orders, ...carts].map(toReservation)
  }

  /** Promises of goods at a place, in the order in which they break: carts before orders, newest first. */
  promisedAt({ location, lot }: { location: string; lot: string }, limit: number): Reservation[] {
    const carts = this.#read(PROMISED_AT, 'held', location, lot, limit)
    const orders = this.#read(PROMISED_AT, 'allocated', location, lot, limit - carts.length)
    return [...carts, ...orders].map(toReservation)
  }

  /** Writes what differs between two states: positions and the item's own row. */
  saveDifference(before: StockState, after: StockState): void {
    // Rows come in their own order, so what was added or taken away is read again before anyone sees it.
    let isRearranged = after.arrivals !== before.arrivals
    for (const position of after.positions) {
      // What no delta touched is the same object: of 500 positions a command touches a few.
      if (before.positions.includes(position)) continue
      const was = before.positions.find((p) => p.location === position.location && p.lot === position.lot)
      if (was && isSame(was, position)) continue
      isRearranged ||= !was
      const { location, lot, expiresAt, priority, onHand, reserved, allocated, safetyStock } = position
      this.#write(SAVE_POSITION, location, lot, expiresAt, priority, onHand, reserved, allocated, safetyStock)
    }
    for (const gone of before.positions) {
      const isThere = (p: KeptPosition) => p.location === gone.location && p.lot === gone.lot
      if (after.positions.includes(gone) || after.positions.some(isThere)) continue
      this.#write(DELETE_POSITION, gone.location, gone.lot)
      isRearranged = true
    }
    this.#saveArrivals(before.arrivals, after.arrivals)
    const { store, policy, policyVersion, storeLowStockThreshold, band, bandAt } = after
    const isItemSame =
      store === before.store &&
      policy === before.policy &&
      policyVersion === before.policyVersion &&
      storeLowStockThreshold === before.storeLowStockThreshold &&
      band === before.band &&
      bandAt === before.bandAt
    if (!isItemSame) {
      const texts = [JSON.stringify(store), JSON.stringify(policy)]
      this.#write(SAVE_ITEM, ...texts, policyVersion, storeLowStockThreshold, band, bandAt)
    }
    this.#state = isRearranged ? null : after
  }

  #saveArrivals(before: readonly Arrival[], after: readonly Arrival[]): void {
    for (const arrival of after) {
      const was = before.find(({ reference }) => reference === arrival.reference)
      if (was === arrival || JSON.stringify(was) === JSON.stringify(arrival)) continue
      const { reference, kind, location, lot, quantity, expectedAt, expiresAt } = arrival
      this.#write(SAVE_ARRIVAL, reference, kind, location, lot, quantity, expectedAt, expiresAt)
    }
    for (const { reference } of before) {
      if (!after.some((arrival) => arrival.reference === reference)) this.#write(DELETE_ARRIVAL, reference)
    }
  }

  saveReservation(reservation: Reservation): void {
    if (reservation.state === 'held') this.#noteHoldEnd(reservation.expiresAt!)
    const beyond = reservation.shares.find(isBeyondHand)?.quantity ?? 0
    this.#write(
      SAVE_RESERVATION,
      reservation.purchaseId,
      reservation.version,
      reservation.state,
      reservation.quantity,
      reservation.expiresAt,
      reservation.orderId,
      JSON.stringify(reservation.shares),
      beyond,
      reservation.since,
      Object.keys(reservation.commands).length === 0 ? null : JSON.stringify(reservation.commands),
      reservation.endedAt,
    )
  }

  #noteHoldEnd(at: EpochMs): void {
    const known = this.#nextHoldEnd
    if (known !== undefined && (known === null || at < known)) this.#nextHoldEnd = at
  }

  append({ sequence, ulid, type, eventType, occurredAt, data }: LedgerRow): void {
    this.#write(APPEND, sequence, ulid, type, eventType, occurredAt, data)
  }

  watermarks(): Watermarks {
    this.#marks ??= this.#readMarks()
    return this.#marks
  }

  #readMarks(): Watermarks {
    const row = this.#first(ITEM)
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
      this.#oldest = { sequence, at: this.#first(OCCURRED_AT, sequence)!.occurred_at as EpochMs }
    }
    return this.#oldest.at
  }

  /**
   * The rows that the log does not have, from the first: at most `limit`, and of `bytesMax` together. The first goes
   * however large it is, or the run would never move on.
   */
  unconfirmed(limit: number, bytesMax: number): { rows: LedgerRow[]; hasMore: boolean } {
    const { confirmed } = this.watermarks()
    const sizes = this.#read(UNCONFIRMED_SIZES, confirmed, limit + 1)
    let bytes = 0
    const beyond = sizes.findIndex((row, i) => {
      bytes += row.bytes as number
      return i === limit || (i > 0 && bytes > bytesMax)
    })
    const last = sizes.at(beyond === -1 ? -1 : beyond - 1)
    if (!last) return { rows: [], hasMore: false }
    const rows = this.#read(UNCONFIRMED, confirmed, last.sequence!).map(toLedgerRow)
    return { rows, hasMore: beyond !== -1 }
  }

  confirm(sequence: number, recordedVersion: number): void {
    if (this.#hasTables) this.#write(CONFIRM, sequence, recordedVersion)
    this.#marks = null
  }

  /**
   * Up to `limit` rows at or below a sequence leave; their sums stay. On the same occasion reservations that ended
   * before `forgetBefore` are forgotten, among the next `walkMax` along their key; how far that walk came is kept.
   */
  prune(upTo: number, limit: number, forgetBefore: EpochMs, walkMax: number): void {
    const last = this.#first(LAST_LEAVING, upTo, limit)?.sequence as number | null
    if (last === null) return
    const sums = mergeDeltas([...this.#prunedSums(), ...this.#read(LEAVING_SUMS, last).map(toDelta)])
    const walkedTo = this.#forgetEnded(forgetBefore, walkMax)
    this.#write(SAVE_PRUNED, last, JSON.stringify(sums), walkedTo)
    this.#write(DELETE_MOVEMENTS, last)
    this.#marks = null
  }

  /** What the movements that have left summed up to, by position. */
  #prunedSums(): Delta[] {
    return JSON.parse((this.#first(ITEM)?.pruned_sums ?? '[]') as string) as Delta[]
  }

  /** Answers where to go on next time; '' is the beginning. */
  #forgetEnded(before: EpochMs, walkMax: number): string {
    const after = this.#first(ITEM)!.forgotten_after!
    const rows = this.#read(RESERVATIONS_AFTER, after, walkMax)
    for (const { purchase_id: purchaseId, ended_at: endedAt } of rows) {
      if (endedAt !== null && (endedAt as number) < before) this.#write(DELETE_RESERVATION, purchaseId!)
    }
    return rows.length < walkMax ? '' : (rows.at(-1)!.purchase_id as string)
  }

  movements(before: number | null, limit: number): Movement[] {
    const rows = this.#read(MOVEMENTS, before ?? Number.MAX_SAFE_INTEGER, limit)
    return rows.map((row) => movementOf(row.data as string))
  }

  command(key: string, at: EpochMs): { fingerprint: string; answer: string } | null {
    const row = this.#first(COMMAND, key, at)
    return row ? { fingerprint: row.fingerprint as string, answer: row.answer as string } : null
  }

  saveCommand(
    key: string,
    { fingerprint, answer }: { fingerprint: string; answer: string },
    at: EpochMs,
    keptUntil: EpochMs,
  ): void {
    this.#write(PRUNE_COMMANDS, at)
    this.#write(SAVE_COMMAND, key, fingerprint, answer, keptUntil)
  }

  #first(statement: string, ...values: SqlStorageValue[]): Row | undefined {
    return this.#read(statement, ...values)[0]
  }

  #read(statement: string, ...values: SqlStorageValue[]): Row[] {
    return this.#hasTables ? this.#sql.exec(statement, ...values).toArray() : []
  }

  #write(statement: string, ...values: SqlStorageValue[]): void {
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
  #isMigrated = false

  /** What is remembered is read again. After a transaction that was rolled back it may not be true: not even the tables. */
  forget(): void {
    this.#state = null
    this.#marks = null
    this.#nextHoldEnd = undefined
    this.#oldest = null
    this.#isMigrated = false
    this.#hasTables = isBorn(this.#sql)
  }
}
