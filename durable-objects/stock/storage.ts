import type { EpochMs } from '../../runtime/clock.ts'
import type { Band } from '../../schema/rpc/source.ts'
import type { Arrival, StockPolicy } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { ITEM, LedgerStorage } from './ledger-storage.ts'
import { isSame, toArrival, toPosition, toReservation, toShare } from './rows.ts'
import {
  isBeyondHand,
  type KeptPosition,
  NO_POLICY,
  type Reservation,
  type Share,
  type StockState,
} from './state.ts'

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
/** The first answer to an idempotency key, for as long as it is kept: primary key. */
const COMMAND = 'select fingerprint, answer from command where key = ? and kept_until > ?'
const SAVE_COMMAND = 'insert into command (key, fingerprint, answer, kept_until) values (?, ?, ?, ?)'
/** Forgets answers past their 7 days, with each new one: index command_by_end. */
const PRUNE_COMMANDS = 'delete from command where kept_until <= ?'

/** All other SQL of the Stock object, audits apart. Reads of an object that was never written to write nothing; the first write makes the tables. */
export class StockStorage extends LedgerStorage {
  readonly #item: string
  /**
   * What was last read or written. The object is its tables' only writer, so its memory is as true as they are, and most
   * commands read one row: the reservation that they are about.
   */
  #state: StockState | null = null
  /** Undefined: not known. */
  #nextHoldEnd: EpochMs | null | undefined
  constructor(sql: SqlStorage, item: string) {
    super(sql)
    this.#item = item
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
    const row = this.first(ITEM)
    if (!row) return empty
    return {
      ...empty,
      store: JSON.parse(row.store as string) as StoreRef,
      positions: this.read(POSITIONS).map(toPosition),
      arrivals: this.read(ARRIVALS).map(toArrival),
      policy: JSON.parse(row.policy as string) as StockPolicy,
      storeLowStockThreshold: row.store_low_stock_threshold as number,
      band: row.band as Band,
      bandAt: row.band_at as EpochMs,
      sequence: this.lastSequence(),
      policyVersion: row.policy_version as number,
    }
  }

  reservation(purchaseId: string): Reservation | null {
    const row = this.first(RESERVATION, purchaseId)
    return row ? toReservation(row) : null
  }

  overdue(at: EpochMs, limit: number): Reservation[] {
    const nextEnd = this.nextHoldEnd()
    if (nextEnd === null || nextEnd > at) return []
    const rows = this.read(OVERDUE, at, limit)
    if (rows.length === 0) this.#nextHoldEnd = undefined
    return rows.map(toReservation)
  }

  overdueUnits(at: EpochMs): Share[] {
    const nextEnd = this.nextHoldEnd()
    return nextEnd === null || nextEnd > at ? [] : this.read(OVERDUE_UNITS, at).map(toShare)
  }

  /**
   * When the next hold ends, or earlier: a hold that ended otherwise leaves its instant here until the next alarm. Waking
   * up once for nothing is cheaper than looking after every command.
   */
  nextHoldEnd(): EpochMs | null {
    if (this.#nextHoldEnd === undefined) {
      this.#nextHoldEnd = (this.first(NEXT_HOLD_END)?.expires_at ?? null) as EpochMs | null
    }
    return this.#nextHoldEnd
  }

  /** Promises without goods, in the order in which goods that come free cover them. */
  beyondHand(limit: number): Reservation[] {
    const orders = this.read(BEYOND_HAND_OLDEST_FIRST, 'allocated', limit)
    const carts = this.read(BEYOND_HAND_OLDEST_FIRST, 'held', limit - orders.length)
    return [...orders, ...carts].map(toReservation)
  }

  /** Promises of goods at a place, in the order in which they break: carts before orders, newest first. */
  promisedAt({ location, lot }: { location: string; lot: string }, limit: number): Reservation[] {
    const carts = this.read(PROMISED_AT, 'held', location, lot, limit)
    const orders = this.read(PROMISED_AT, 'allocated', location, lot, limit - carts.length)
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
      this.write(SAVE_POSITION, location, lot, expiresAt, priority, onHand, reserved, allocated, safetyStock)
    }
    for (const gone of before.positions) {
      const isThere = (p: KeptPosition) => p.location === gone.location && p.lot === gone.lot
      if (after.positions.includes(gone) || after.positions.some(isThere)) continue
      this.write(DELETE_POSITION, gone.location, gone.lot)
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
      this.write(SAVE_ITEM, ...texts, policyVersion, storeLowStockThreshold, band, bandAt)
    }
    this.#state = isRearranged ? null : after
  }

  #saveArrivals(before: readonly Arrival[], after: readonly Arrival[]): void {
    for (const arrival of after) {
      const was = before.find(({ reference }) => reference === arrival.reference)
      if (was === arrival || JSON.stringify(was) === JSON.stringify(arrival)) continue
      const { reference, kind, location, lot, quantity, expectedAt, expiresAt } = arrival
      this.write(SAVE_ARRIVAL, reference, kind, location, lot, quantity, expectedAt, expiresAt)
    }
    for (const { reference } of before) {
      if (!after.some((arrival) => arrival.reference === reference)) this.write(DELETE_ARRIVAL, reference)
    }
  }

  saveReservation(reservation: Reservation): void {
    if (reservation.state === 'held') this.#noteHoldEnd(reservation.expiresAt!)
    const beyond = reservation.shares.find(isBeyondHand)?.quantity ?? 0
    this.write(
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

  command(key: string, at: EpochMs): { fingerprint: string; answer: string } | null {
    const row = this.first(COMMAND, key, at)
    return row ? { fingerprint: row.fingerprint as string, answer: row.answer as string } : null
  }

  saveCommand(
    key: string,
    { fingerprint, answer }: { fingerprint: string; answer: string },
    at: EpochMs,
    keptUntil: EpochMs,
  ): void {
    this.write(PRUNE_COMMANDS, at)
    this.write(SAVE_COMMAND, key, fingerprint, answer, keptUntil)
  }

  override forget(): void {
    super.forget()
    this.#state = null
    this.#nextHoldEnd = undefined
  }
}
