import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { Movement, MovementType, StockPolicy } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { isBorn, migrate } from '../migrate.ts'
import { documentVersion } from './band.ts'
import type { LedgerRow } from './ledger.ts'
import { MIGRATIONS } from './migrations.ts'
import { isBeyondHand, type KeptPosition, NO_POLICY, type Reservation, type StockState } from './state.ts'

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
/** When to wake for the next end of a hold: index reservation_due. */
const NEXT_HOLD_END = `select min(expires_at) as expires_at from reservation where state = 'held'`
/** Promises that wait for goods, oldest first: index reservation_beyond_hand. */
const BEYOND_HAND_OLDEST_FIRST = `
  select * from reservation where beyond_hand > 0 order by since, purchase_id limit ?`

/** Sets one position: primary key. Written only when it changed. */
const SAVE_POSITION = `
  insert into position (location, lot, expires_at, priority, on_hand, reserved, allocated, safety_stock)
  values (?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (location, lot) do update set
    expires_at = excluded.expires_at, priority = excluded.priority, on_hand = excluded.on_hand,
    reserved = excluded.reserved, allocated = excluded.allocated, safety_stock = excluded.safety_stock`
/** Sets one reservation: primary key. */
const SAVE_RESERVATION = `
  insert into reservation (purchase_id, version, state, quantity, expires_at, order_id, shares, beyond_hand, since, deallocations)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (purchase_id) do update set
    version = excluded.version, state = excluded.state, quantity = excluded.quantity,
    expires_at = excluded.expires_at, order_id = excluded.order_id, shares = excluded.shares,
    beyond_hand = excluded.beyond_hand, since = excluded.since, deallocations = excluded.deallocations`
/** Makes or changes the item's own row; its watermarks stay. */
const SAVE_ITEM = `
  insert into item (id, store, policy, policy_version, store_low_stock_threshold, band)
  values (1, ?, ?, ?, ?, ?)
  on conflict (id) do update set
    policy = excluded.policy, policy_version = excluded.policy_version,
    store_low_stock_threshold = excluded.store_low_stock_threshold, band = excluded.band`
/** Appends to the ledger; a sequence that exists is a bug and fails. */
const APPEND = `
  insert into movement (sequence, ulid, type, event_type, occurred_at, data) values (?, ?, ?, ?, ?, ?)`

/** What the log does not have yet, in order: the ledger's key. */
const UNCONFIRMED = 'select * from movement where sequence > ? order by sequence limit ?'
/** Since when the log is behind: the ledger's key. */
const OCCURRED_AT = 'select occurred_at from movement where sequence = ?'
/** Moves the watermarks up, never down. */
const CONFIRM = `
  update item set confirmed = max(confirmed, ?1), recorded_version = max(recorded_version, ?2)
  where id = 1 and (confirmed < ?1 or recorded_version < ?2)`
/** The ledger as staff page through it, newest first: its key. Band crossings are events and no movements. */
const MOVEMENTS = `
  select data from movement where sequence < ? and type is not null order by sequence desc limit ?`

/** The first answer to an idempotency key: primary key. */
const COMMAND = 'select fingerprint, answer from command where key = ?'
const SAVE_COMMAND = 'insert into command (key, fingerprint, answer, kept_until) values (?, ?, ?, ?)'
/** Forgets answers past their 7 days, with each new one: index command_by_end. */
const PRUNE_COMMANDS = 'delete from command where kept_until <= ?'

type Row = Record<string, SqlStorageValue>

/** How far the relay has come. */
export interface Watermarks {
  confirmed: number
  recordedVersion: number
}

/** All SQL of the Stock object. Reads of an object that was never written to write nothing; the first write makes the tables. */
export class StockStorage {
  readonly #sql: SqlStorage
  readonly #item: string
  #hasTables: boolean
  /** Rows written since the object woke, as the platform bills them. */
  rowsWritten = 0

  constructor(sql: SqlStorage, item: string) {
    this.#sql = sql
    this.#item = item
    this.#hasTables = isBorn(sql)
    if (this.#hasTables) this.#migrate()
  }

  load(): StockState {
    const empty: StockState = {
      item: this.#item,
      store: null,
      positions: [],
      policy: NO_POLICY,
      storeLowStockThreshold: 0,
      band: 'out_of_stock',
      sequence: 0,
      policyVersion: 0,
    }
    const row = this.#first(ITEM)
    if (!row) return empty
    return {
      ...empty,
      store: JSON.parse(row.store as string) as StoreRef,
      positions: this.#read(POSITIONS).map(toPosition),
      policy: JSON.parse(row.policy as string) as StockPolicy,
      storeLowStockThreshold: row.store_low_stock_threshold as number,
      band: row.band as Band,
      sequence: this.#first(LAST_SEQUENCE)!.sequence as number,
      policyVersion: row.policy_version as number,
    }
  }

  reservation(purchaseId: string): Reservation | null {
    const row = this.#first(RESERVATION, purchaseId)
    return row ? toReservation(row) : null
  }

  overdue(at: EpochMs, limit: number): Reservation[] {
    return this.#read(OVERDUE, at, limit).map(toReservation)
  }

  nextHoldEnd(): EpochMs | null {
    return (this.#first(NEXT_HOLD_END)?.expires_at ?? null) as EpochMs | null
  }

  beyondHand(limit: number): Reservation[] {
    return this.#read(BEYOND_HAND_OLDEST_FIRST, limit).map(toReservation)
  }

  /** Writes what differs between two states: positions and the item's own row. */
  saveDifference(before: StockState, after: StockState): void {
    for (const position of after.positions) {
      const was = before.positions.find((p) => p.location === position.location && p.lot === position.lot)
      if (was && isSame(was, position)) continue
      const { location, lot, expiresAt, priority, onHand, reserved, allocated, safetyStock } = position
      this.#write(SAVE_POSITION, location, lot, expiresAt, priority, onHand, reserved, allocated, safetyStock)
    }
    const itemOf = ({ store, policy, policyVersion, storeLowStockThreshold, band }: StockState) => [
      JSON.stringify(store),
      JSON.stringify(policy),
      policyVersion,
      storeLowStockThreshold,
      band,
    ]
    if (JSON.stringify(itemOf(before)) !== JSON.stringify(itemOf(after)))
      this.#write(SAVE_ITEM, ...itemOf(after))
  }

  saveReservation(reservation: Reservation): void {
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
      reservation.deallocations.length === 0 ? null : JSON.stringify(reservation.deallocations),
    )
  }

  append({ sequence, ulid, type, eventType, occurredAt, data }: LedgerRow): void {
    this.#write(APPEND, sequence, ulid, type, eventType, occurredAt, data)
  }

  watermarks(): Watermarks {
    const row = this.#first(ITEM)
    return {
      confirmed: (row?.confirmed ?? 0) as number,
      recordedVersion: (row?.recorded_version ?? 0) as number,
    }
  }

  /** Since when the relay is behind; null when it has everything. A newer policy has no instant: it counts as `at`. */
  behindSince(state: StockState, at: EpochMs): EpochMs | null {
    const { confirmed, recordedVersion } = this.watermarks()
    if (state.sequence > confirmed) return this.#first(OCCURRED_AT, confirmed + 1)!.occurred_at as EpochMs
    return documentVersion(state) > recordedVersion ? at : null
  }

  unconfirmed(limit: number): LedgerRow[] {
    return this.#read(UNCONFIRMED, this.watermarks().confirmed, limit).map(toLedgerRow)
  }

  confirm(sequence: number, recordedVersion: number): void {
    if (this.#hasTables) this.#write(CONFIRM, sequence, recordedVersion)
  }

  movements(before: number | null, limit: number): Movement[] {
    const rows = this.#read(MOVEMENTS, before ?? Number.MAX_SAFE_INTEGER, limit)
    return rows.map((row) => (JSON.parse(row.data as string) as { movement: Movement }).movement)
  }

  command(key: string): { fingerprint: string; answer: string } | null {
    const row = this.#first(COMMAND, key)
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

  /** After a transaction that was rolled back: what it made may be gone. */
  forget(): void {
    this.#isMigrated = false
    this.#hasTables = isBorn(this.#sql)
  }
}

function isSame(a: KeptPosition, b: KeptPosition): boolean {
  return (Object.keys(b) as (keyof KeptPosition)[]).every((key) => a[key] === b[key])
}

function toPosition(row: Row): KeptPosition {
  return {
    location: row.location as string,
    lot: row.lot as string,
    expiresAt: row.expires_at as EpochMs | null,
    onHand: row.on_hand as number,
    reserved: row.reserved as number,
    allocated: row.allocated as number,
    safetyStock: row.safety_stock as number,
    priority: row.priority as number,
  }
}

function toReservation(row: Row): Reservation {
  return {
    purchaseId: row.purchase_id as string,
    version: row.version as number,
    state: row.state as Reservation['state'],
    quantity: row.quantity as number,
    expiresAt: row.expires_at as EpochMs | null,
    orderId: row.order_id as string | null,
    shares: JSON.parse(row.shares as string) as Reservation['shares'],
    since: row.since as number,
    deallocations: JSON.parse((row.deallocations as string | null) ?? '[]') as string[],
  }
}

function toLedgerRow(row: Row): LedgerRow {
  return {
    sequence: row.sequence as number,
    ulid: row.ulid as string,
    type: row.type as MovementType | null,
    eventType: row.event_type as EventType,
    occurredAt: row.occurred_at as EpochMs,
    data: row.data as string,
  }
}
