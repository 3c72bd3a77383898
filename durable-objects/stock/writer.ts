import { type EpochMs, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { Nudge } from '../../schema/rpc/source.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { Nudger } from '../nudge.ts'
import { bandDueAt, documentVersion, nextLotEnd } from './band.ts'
import { Book } from './book.ts'
import { nextAlarm } from './next-alarm.ts'
import { prune } from './retention.ts'
import { nextSaleEdge } from './sale.ts'
import type { StockState } from './state.ts'
import type { StockStorage } from './storage.ts'

export interface StoreCommand {
  store: StoreRef
  lowStockThreshold?: number
}

/** Holds that end in one commit, some 100 ms of work; the next goes on. */
const EXPIRED_AT_ONCE_MAX = 1_000
/** An alarm that failed tries again this much later, for as long as it takes. */
const ALARM_RETRY_MS = 5_000

/**
 * How the object changes, whatever the change is: what is over ends first, all is written in one stretch or not at all,
 * the alarm stands for what is due next, and the relay hears that there is something to fetch.
 */
export class Writer {
  readonly #ctx: DurableObjectState
  readonly #storage: StockStorage
  readonly #nudger: Nudger
  /** Tells nobody: everything counts as in the log at once. */
  readonly #isSilent: boolean
  /** The alarm as set; kept here because setting it is billed as a row. */
  #alarmAt: EpochMs | null = null
  /** Nudges by alarm since the relay last confirmed, and the last of them. Memory: an eviction asks sooner, never later. */
  #nudgesInVain = 0
  #renudgedAt: EpochMs = 0

  constructor(ctx: DurableObjectState, queue: Queue<Nudge>, storage: StockStorage, isSilent: boolean) {
    this.#ctx = ctx
    this.#storage = storage
    this.#nudger = new Nudger(queue)
    this.#isSilent = isSilent
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm()
    })
  }

  /**
   * One mutation: state, ledger and alarm in one stretch without an await, so they are durable together; then a nudge.
   * What is over ends before the command is decided. Where that is much, each thousand is durable before the next begins:
   * a crash, or the platform's limit on one command's time, then loses none of them, and others have their turn.
   */
  async write<T>(command: StoreCommand, work: (book: Book) => T): Promise<T> {
    for (;;) {
      const at = now()
      const { answer, state } = this.#transact(command, at, (book) =>
        book.expire(EXPIRED_AT_ONCE_MAX) ? { said: work(book) } : null,
      )
      if (this.#arm(state, at) && !this.#nudger.isOutstanding) this.#ctx.waitUntil(this.#nudge(state))
      if (answer) return answer.said
      await this.#ctx.storage.sync()
    }
  }

  /** Ends overdue holds, follows the band, asks the relay again; always leaves with the next alarm set. */
  async alarm(): Promise<void> {
    this.#alarmAt = null
    try {
      const at = now()
      // Alarms are few: they look at the tables, and the next end of a hold is exact again.
      this.#storage.forget()
      const { state } = this.#transact(null, at, (book) => book.expire(EXPIRED_AT_ONCE_MAX))
      if (state.store && this.#storage.behindSince(state, at) !== null) {
        this.#nudgesInVain += 1
        this.#renudgedAt = at
        this.#nudger.clear()
        this.#arm(state, at)
        await this.#nudge(state)
      } else {
        this.#arm(state, at)
      }
    } catch (error) {
      // The platform gives an alarm up after six failures, and with it the expiry of every hold.
      log('error', 'stock alarm failed; it is set again', { error: errorText(error) })
      this.#setAlarm(now() + ALARM_RETRY_MS)
    }
  }

  /** The relay is fetching: what changes from now on is told to it anew. */
  noteFetched(): void {
    this.#nudger.clear()
  }

  /** The relay has carried so much to the log and to the record. */
  confirm(outbox: number, version: number): void {
    this.#undoIfThrown(() => this.#confirm(outbox, version, now()))
    this.#nudgesInVain = 0
  }

  #transact<T>(
    command: StoreCommand | null,
    at: EpochMs,
    work: (book: Book) => T,
  ): { answer: T; state: StockState } {
    return this.#undoIfThrown(() => {
      const book = new Book(this.#storage, at)
      if (command) book.learn(command.store, command.lowStockThreshold)
      const answer = work(book)
      book.close()
      if (this.#isSilent) this.#confirm(book.state.sequence, documentVersion(book.state), at)
      return { answer, state: book.state }
    })
  }

  /** An assertion that throws inside takes back all that was written. */
  #undoIfThrown<T>(work: () => T): T {
    try {
      return this.#ctx.storage.transactionSync(work)
    } catch (error) {
      this.#storage.forget()
      throw error
    }
  }

  /** Moves the alarm when it must ring earlier. Says whether the relay has something to fetch. */
  #arm(state: StockState, at: EpochMs): boolean {
    const behindSince = this.#storage.behindSince(state, at)
    const next = nextAlarm({
      holdEndsAt: this.#storage.nextHoldEnd(),
      lotEndsAt: nextLotEnd(state, at),
      saleEdgeAt: nextSaleEdge(state.policy, at),
      bandDueAt: state.store && bandDueAt(state, at),
      isUnconfirmed: behindSince !== null,
      nudgedAt: Math.max(behindSince ?? 0, this.#renudgedAt),
      nudgesInVain: this.#nudgesInVain,
    })
    if (next !== null && (this.#alarmAt === null || next < this.#alarmAt)) this.#setAlarm(next)
    return behindSince !== null
  }

  #setAlarm(at: EpochMs): void {
    this.#alarmAt = at
    void this.#ctx.storage.setAlarm(at)
  }

  /** What has a ledger or a policy has a store; an object with neither has nothing to tell. */
  async #nudge({ store, item }: StockState): Promise<void> {
    if (store) await this.#nudger.nudge({ kind: 'stock', store, key: item })
  }

  #confirm(outbox: number, version: number, at: EpochMs): void {
    const state = this.#storage.load()
    // Nothing that does not exist yet can be confirmed, whatever the caller says.
    this.#storage.confirm(Math.min(outbox, state.sequence), Math.min(version, documentVersion(state)))
    prune(this.#storage, at)
  }
}
