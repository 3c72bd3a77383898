import type { EpochMs } from '../../runtime/clock.ts'
import { newId } from '../../schema/ids.ts'
import type { Movement, StockPolicy } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { decideExpire } from './decide-expire.ts'
import { afterDeltas, assertSound, bandRow, movementRow } from './ledger.ts'
import { cover, coverable } from './positions.ts'
import type { Change, Reservation, StockState } from './state.ts'
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
    this.state = {
      ...this.state,
      store,
      storeLowStockThreshold: storeLowStockThreshold ?? this.state.storeLowStockThreshold,
    }
  }

  /** Overdue holds end before anything else is decided, however late the alarm is. */
  expireOverdue(): void {
    // One read each, not one list: the end of a hold may cover another overdue one and so move its shares.
    for (let next = this.#overdue(); next; next = this.#overdue()) this.enter(decideExpire(next))
  }

  #overdue(): Reservation | undefined {
    return this.#storage.overdue(this.at, 1)[0]
  }

  /** Writes one ledger row with its reservation; goods that come free cover promises beyond hand in the same row. */
  enter({ movement, deltas, reservation, place }: Change): Movement {
    const after = afterDeltas(this.state, deltas, place)
    assertSound(this.state, after, this.at)
    if (reservation) this.#storage.saveReservation(reservation)
    const waiting = coverable(after, this.at)
    const covered = cover(after, waiting > 0 ? this.#storage.beyondHand(waiting) : [], this.at)
    for (const changed of covered.reservations) this.#storage.saveReservation(changed)
    const numbered = movementRow(
      afterDeltas(after, covered.deltas, null),
      { ...movement, deltas: [...deltas, ...covered.deltas] },
      newUlid(this.at),
      this.at,
    )
    this.#storage.append(numbered.row)
    this.state = numbered.state
    this.#isWritten = true
    return numbered.movement
  }

  /** For what nobody hears of: a prolonged hold, a fence. */
  keep(reservation: Reservation): void {
    this.#storage.saveReservation(reservation)
  }

  /** A policy has no event of its own: the document's version grows instead. */
  setPolicy(policy: StockPolicy): void {
    if (this.#before.store && JSON.stringify(policy) === JSON.stringify(this.state.policy)) return
    this.state = { ...this.state, policy, policyVersion: this.state.policyVersion + 1 }
    this.#isWritten = true
  }

  /** Tells a band crossing, also one that only time made (a lot's end). Nothing changes without a store to tell it to. */
  announce(): void {
    if (!this.#isWritten && this.#before.store === null) return
    const crossing = bandRow(this.state, newUlid(this.at), this.at)
    if (!crossing) return
    this.#storage.append(crossing.row)
    this.state = crossing.state
    this.#isWritten = true
  }

  /** Writes the counters; the last thing in every transaction. */
  close(): void {
    this.announce()
    if (this.#isWritten) this.#storage.saveDifference(this.#before, this.state)
  }
}

function newUlid(at: EpochMs): string {
  return newId('movement', at).slice('mov_'.length)
}
