import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import { newUlid } from '../../schema/ids.ts'
import type { Arrival, Movement, StockPolicy } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { assertReservation, assertSound } from './assertions.ts'
import { bandDueAt } from './band.ts'
import { brokenAt, cover, coverable, uncover } from './cover.ts'
import { decideCover } from './decide-cover.ts'
import { decideExpire, decideWriteOff, expiredLots, isInTheWay, isSpent } from './decide-expire.ts'
import { afterDeltas, bandRow, movementRow, tellingRow } from './ledger.ts'
import { Losses } from './losses.ts'
import type { Change, Delta, Reservation, StockState } from './state.ts'
import type { StockStorage } from './storage.ts'

/**
 * One transaction's writing: opened on the present state, entered into, closed. Lives and dies inside one
 * `transactionSync`, so an assertion that throws takes everything back.
 */
export class Book {
  state: StockState
  readonly at: EpochMs
  readonly #before: StockState
  readonly #storage: StockStorage
  #isWritten = false

  constructor(storage: StockStorage, at: EpochMs) {
    this.#storage = storage
    this.at = at
    this.#before = storage.load()
    this.state = this.#before
  }

  /** What travels with commands and must be known to alarms, which have no caller. Written only along with something else. */
  learn(store: StoreRef, storeLowStockThreshold?: number): void {
    const known = this.state
    const threshold = storeLowStockThreshold ?? known.storeLowStockThreshold
    if (known.store !== null && threshold === known.storeLowStockThreshold) return
    // A store's reference never changes: the one that is there stays.
    this.state = { ...known, store: known.store ?? store, storeLowStockThreshold: threshold }
  }

  /** Writes down what was learned though nothing else is written: the band follows it now, or when it has rested. */
  follow(): void {
    this.#isWritten = true
  }

  /**
   * What is over ends before anything else is decided, however late the alarm is: holds past their end, at most
   * `holdsMax`, and lots past their date. Says whether nothing is left.
   */
  expire(holdsMax: number): boolean {
    // One read each, not one list: the end of a hold may cover another overdue one and so move its shares.
    for (let ended = 0; ended < holdsMax; ended++) {
      const next = this.#storage.overdue(this.at, 1)[0]
      if (!next) break
      this.enter(decideExpire(next, this.at), next)
    }
    for (const lot of expiredLots(this.state, this.at)) this.enter(decideWriteOff(lot))
    // Before the command and not after it: whether a lot takes new goods must not hang on what was written since it ended.
    const { state } = this
    const positions = state.positions.filter(
      (position) => !isSpent(position, this.at) && !isInTheWay(position, state),
    )
    if (positions.length < state.positions.length) this.state = { ...state, positions }
    return this.#storage.overdue(this.at, 1).length === 0
  }

  /**
   * Writes one ledger row with its reservation (`own`: as it was). In the same row, promises whose goods were lost move
   * to other goods, and goods that come free cover promises beyond hand. Orders that lost theirs are told after it.
   */
  enter(change: Change, own: Reservation | null = null): Movement {
    const { movement, reservation, place, arrivals } = change
    const before = this.state
    if (reservation) this.#save(own, reservation)
    let after = afterDeltas(before, change.deltas, place, arrivals)
    let { deltas } = change
    const losses = new Losses()
    const move = (moved: { reservations: Reservation[]; deltas: Delta[] }) => {
      for (const next of moved.reservations) {
        const was = this.#storage.reservation(next.purchaseId)
        this.#save(was, next)
        losses.note(was!, next)
      }
      after = afterDeltas(after, moved.deltas, null)
      // Not pushed: a call takes some 100,000 arguments, and that many orders may lose their goods at once.
      deltas = [...deltas, ...moved.deltas]
    }
    for (const position of after.positions) {
      const broken = brokenAt(position, this.at)
      if (broken > 0) move(uncover(position, broken, this.#storage.promisedAt(position, broken)))
    }
    const waiting = coverable(after, this.at)
    if (waiting > 0) move(cover(after, this.#storage.beyondHand(waiting), this.at))
    assertSound(before, after, this.at)
    const numbered = movementRow(after, { ...movement, deltas }, newUlid(this.at), this.at)
    this.#storage.append(numbered.row)
    this.state = numbered.state
    this.#isWritten = true
    for (const facts of losses.told()) this.tell('stock.shortage', { movement: numbered.movement, ...facts })
    return numbered.movement
  }

  /** A row that moves nothing. */
  tell(eventType: EventType, facts: object): void {
    const told = tellingRow(this.state, eventType, facts, newUlid(this.at), this.at)
    this.#storage.append(told.row)
    this.state = told.state
    this.#isWritten = true
  }

  /** For what nobody hears of: a prolonged hold, a fence. */
  keep(reservation: Reservation, own: Reservation | null): void {
    this.#save(own, reservation)
  }

  /** A policy and its positions have no event of their own: the document's version grows instead. */
  setPolicy(policy: StockPolicy, positions = this.state.positions): void {
    const now = [this.state.policy, this.state.positions]
    if (this.#before.store && JSON.stringify([policy, positions]) === JSON.stringify(now)) return
    this.state = { ...this.state, policy, positions, policyVersion: this.state.policyVersion + 1 }
    this.#isWritten = true
    // Less is kept safe: promises that wait for goods have them now, and the ledger says so.
    if (coverable(this.state, this.at) > 0) this.enter(decideCover())
  }

  /** What a supplier announces has no event either. */
  setArrivals(arrivals: Arrival[]): void {
    if (JSON.stringify(arrivals) === JSON.stringify(this.state.arrivals)) return
    this.state = { ...this.state, arrivals, policyVersion: this.state.policyVersion + 1 }
    this.#isWritten = true
  }

  /** Tells a band crossing, also one that only time made (a lot's end). Nothing changes without a store to tell it to. */
  announce(): void {
    if (!this.#isWritten && this.#before.store === null) return
    const dueAt = bandDueAt(this.state, this.at)
    if (dueAt === null || dueAt > this.at) return
    const crossing = bandRow(this.state, newUlid(this.at), this.at)
    this.#storage.append(crossing.row)
    this.state = crossing.state
    this.#isWritten = true
  }

  /** Writes the counters; the last thing in every transaction. */
  close(): void {
    this.announce()
    if (this.#isWritten) this.#storage.saveDifference(this.#before, this.state)
  }

  #save(was: Reservation | null, reservation: Reservation): void {
    assertReservation(was, reservation)
    this.#storage.saveReservation(reservation)
  }
}
