import { DurableObject } from 'cloudflare:workers'
import { type EpochMs, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS, type IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { Pulled } from '../../schema/rpc/source.ts'
import type {
  AllocateCommand,
  AllocationPage,
  ArrivalCommand,
  DeallocateCommand,
  DriftReport,
  FulfillCommand,
  ItemAvailability,
  Levels,
  MoveAnswer,
  MoveCommand,
  Movement,
  PositionSafety,
  ReclaimCommand,
  ReleaseCommand,
  ReserveCommand,
  StockAudit,
  StockPolicy,
  StockRpc,
  Taken,
} from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { Nudger } from '../nudge.ts'
import { objectName } from '../object-stub.ts'
import { announced } from './arrivals.ts'
import { Auditor } from './auditor.ts'
import { bandDueAt, documentOf, documentVersion, nextLotEnd } from './band.ts'
import { Book } from './book.ts'
import { decideAllocate } from './decide-allocate.ts'
import { decideDeallocate } from './decide-deallocate.ts'
import { decideFulfill, shippable } from './decide-fulfill.ts'
import { decideMove, POSITIONS_MAX } from './decide-move.ts'
import { decideReclaim } from './decide-reclaim.ts'
import { decideRelease } from './decide-release.ts'
import { decideReserve, look } from './decide-reserve.ts'
import { decideDispatch, decideReceipt } from './decide-transfer.ts'
import type { Decision } from './decision.ts'
import { GroupCommit } from './group-commit.ts'
import { availabilityNow, levelsOf, withoutOverdue } from './ledger.ts'
import { nextAlarm } from './next-alarm.ts'
import { pullRun } from './outbox.ts'
import { withSafety } from './positions.ts'
import { nextSaleEdge } from './sale.ts'
import type { Reservation, StockState } from './state.ts'
import { StockStorage } from './storage.ts'

interface StoreCommand {
  store: StoreRef
  lowStockThreshold?: number
}
type Query<M extends keyof StockRpc> = Parameters<StockRpc[M]>[0]
type ReservationCommand = StoreCommand & { purchaseId: string }

/** SQLite's "no limit". */
const ALL = -1

/** Holds that end in one transaction, some 100 ms of work; the next transaction goes on. */
const EXPIRED_AT_ONCE_MAX = 1_000
/** Movements that stay when the log has them: the page that staff look at first. */
const MOVEMENTS_KEPT = 100
/** Movements leave in batches, so that the sums are written once for a hundred. */
const PRUNE_BATCH = 100
/** Movements that leave with one confirmation: more than one can confirm. */
const PRUNED_AT_ONCE_MAX = 1_000
/** Reservations looked at for each batch of movements: each movement begins one at most. */
const FORGET_BATCH = 2 * PRUNED_AT_ONCE_MAX
/** An ended reservation answers repeats and fences off late commands for as long as idempotency keys are kept. */
const ENDED_KEPT_MS = IDEMPOTENCY_KEPT_MS

/** An alarm that failed tries again this much later, for as long as it takes. */
const ALARM_RETRY_MS = 5_000

/** Levels, reservations, allocations and movements of one stock item; one writer, so there is no race to lose. */
export class Stock extends DurableObject<Env> implements StockRpc {
  readonly #storage: StockStorage
  readonly #auditor: Auditor
  readonly #nudger: Nudger
  readonly #group: GroupCommit
  /** The alarm as set; kept here because setting it is billed as a row. */
  #alarmAt: EpochMs | null = null
  /** How far the walk along ended reservations has come. Memory: an eviction begins it anew. */
  #forgetAfter = ''
  /** Nudges by alarm since the relay last confirmed, and the last of them. Memory: an eviction asks sooner, never later. */
  #nudgesInVain = 0
  #renudgedAt: EpochMs = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#storage = new StockStorage(ctx.storage.sql, objectName(ctx.id).key)
    this.#auditor = new Auditor(this.#storage, ctx.storage.sql)
    this.#nudger = new Nudger(env.EVENTS_QUEUE)
    this.#group = new GroupCommit(ctx.storage)
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm()
    })
  }

  /** True for what tells nobody: everything counts as in the log at once. */
  protected get isSilent(): boolean {
    return false
  }

  /** Rows written since the object woke, the alarm apart: a test holds the commands to their price. */
  get rowsWritten(): number {
    return this.#storage.rowsWritten
  }

  async reserve(command: ReserveCommand): Promise<Outcome<{ quantity: number; expiresAt: EpochMs }>> {
    const { limit } = command
    return this.#decide(
      command,
      (state, own, at) => decideReserve(state, own, command, at),
      // A quota has no goods: all of its units are promised beyond hand.
      (book) => limit !== undefined && book.setPolicy({ ...book.state.policy, backorderLimit: limit }),
    )
  }

  async release(command: ReleaseCommand): Promise<Outcome<object>> {
    return this.#decide(command, (_, own, at) => decideRelease(own, command, at))
  }

  async allocate(command: AllocateCommand): Promise<Outcome<object>> {
    return this.#decide(command, (state, own, at) => decideAllocate(state, own, command, at))
  }

  async deallocate(command: DeallocateCommand): Promise<Outcome<object>> {
    return this.#decide(command, (_, own, at) => decideDeallocate(own, command, at))
  }

  async fulfill(command: FulfillCommand): Promise<Outcome<{ taken: Taken[] }>> {
    return this.#decide(command, (_, own, at) => decideFulfill(own, command, at))
  }

  async shippable({ purchaseId, orderId, location }: Query<'shippable'>): Promise<number> {
    return shippable(this.#storage.reservation(purchaseId), orderId, location)
  }

  async move(command: MoveCommand): Promise<Outcome<MoveAnswer>> {
    return this.#once(command, (book) => this.#decideMove(book, command))
  }

  async reclaim(command: ReclaimCommand): Promise<Outcome<MoveAnswer>> {
    if (!this.#storage.load().store) return refuse('item_not_found')
    return this.#once(command, ({ at }) =>
      decideReclaim(this.#storage.reservation(command.purchaseId), command, at),
    )
  }

  /** What staff do, once for each key. */
  #once(
    command: StoreCommand & { idempotency: IdempotencyStamp },
    decide: (book: Book) => Decision<object>,
  ): Outcome<MoveAnswer> {
    return this.#write(command, (book) => {
      const { key, fingerprint } = command.idempotency
      const known = this.#storage.command(key)
      if (known && known.fingerprint !== fingerprint) return refuse('idempotency_key_reused')
      if (known) return asReplay(JSON.parse(known.answer) as Outcome<MoveAnswer>)
      const { outcome, change, and } = decide(book)
      // "Not now" is no answer to keep.
      if (!outcome.ok && outcome.code === 'checkout_in_progress') return outcome
      const own = change?.reservation && this.#storage.reservation(change.reservation.purchaseId)
      const movement = change && book.enter(change, own)
      if (and) book.enter(and)
      book.announce()
      const levels = levelsOf(book.state, book.at)
      const answer: Outcome<MoveAnswer> = movement
        ? { ok: true, movement, levels, isReplay: false }
        : (outcome as Outcome<never>)
      const kept = { fingerprint, answer: JSON.stringify(answer) }
      this.#storage.saveCommand(key, kept, book.at, book.at + IDEMPOTENCY_KEPT_MS)
      return answer
    })
  }

  #decideMove({ state, at }: Book, command: MoveCommand): Decision<object> {
    if (command.type === 'dispatch') return decideDispatch(state, command, at)
    return command.type === 'receipt' ? decideReceipt(state, command, at) : decideMove(state, command, at)
  }

  async setArrival(command: ArrivalCommand): Promise<Outcome<{ levels: Levels }>> {
    return this.#write(command, (book) => {
      const next = announced(book.state.arrivals, command)
      if (!Array.isArray(next)) return next
      book.setArrivals(next)
      return { ok: true, levels: levelsOf(book.state, book.at) }
    })
  }

  async setPolicy(command: {
    store: StoreRef
    policy: StockPolicy
    positions: PositionSafety[]
    lowStockThreshold: number
  }): Promise<Outcome<{ policy: StockPolicy; levels: Levels }>> {
    return this.#write(command, (book) => {
      const positions = withSafety(book.state.positions, command.positions)
      if (positions.length > Math.max(POSITIONS_MAX, book.state.positions.length)) {
        return refuse('stock_conflict', undefined, { limit: POSITIONS_MAX })
      }
      book.setPolicy(command.policy, positions)
      book.announce()
      return { ok: true, policy: book.state.policy, levels: levelsOf(book.state, book.at) }
    })
  }

  async levels(): Promise<{ levels: Levels; policy: StockPolicy } | null> {
    const at = now()
    const state = this.#stateAt(at)
    return state.store && { levels: levelsOf(state, at), policy: state.policy }
  }

  async availability(lowStockThreshold: number): Promise<ItemAvailability> {
    const at = now()
    return availabilityNow(this.#stateAt(at), lowStockThreshold, at)
  }

  async look({ purchaseId, quantity, limit }: Query<'look'>): Promise<Outcome<{ most: number }>> {
    const at = now()
    const state = this.#stateAt(at)
    const policy = limit === undefined ? state.policy : { ...state.policy, backorderLimit: limit }
    const own = this.#storage.reservation(purchaseId)
    const isOver = own !== null && own.expiresAt !== null && own.expiresAt <= at
    return look({ ...state, policy }, isOver ? null : own, quantity, at)
  }

  async movements({
    before,
    limit,
  }: {
    before: number | null
    limit: number
  }): Promise<{ movements: Movement[]; olderInLog: boolean }> {
    const movements = this.#storage.movements(before, limit)
    const { prunedSequence } = this.#storage.watermarks()
    return { movements, olderInLog: prunedSequence > 0 && movements.length < limit }
  }

  async audit(): Promise<StockAudit | null> {
    return this.#auditor.audit(now())
  }

  async allocations(query: { after: string; limit: number }): Promise<AllocationPage> {
    return this.#auditor.allocations(query)
  }

  async allocatedTo(purchaseId: string): Promise<number> {
    return this.#auditor.allocatedTo(purchaseId)
  }

  async document(): Promise<StockAudit['document'] | null> {
    const state = this.#storage.load()
    return state.store && documentOf(state, now())
  }

  async reportDrift(report: DriftReport): Promise<{ isTold: boolean }> {
    const { store } = this.#storage.load()
    if (!store) return { isTold: false }
    return this.#write({ store }, (book) => this.#auditor.report(book, report))
  }

  async pull(limit: number): Promise<Pulled> {
    this.#nudger.clear()
    return pullRun(this.#storage, limit, now())
  }

  async confirm(outbox: number, version: number | null): Promise<void> {
    this.#undoIfThrown(() => this.#confirm(outbox, version ?? 0, now()))
    this.#nudgesInVain = 0
  }

  #confirm(outbox: number, version: number, at: EpochMs): void {
    const state = this.#storage.load()
    // Nothing that does not exist yet can be confirmed, whatever the caller says.
    this.#storage.confirm(Math.min(outbox, state.sequence), Math.min(version, documentVersion(state)))
    this.#prune(at)
  }

  /** What the log has leaves the object, but for the last page: it stays small for ever. */
  #prune(at: EpochMs): void {
    const { confirmed, prunedSequence } = this.#storage.watermarks()
    const upTo = confirmed - MOVEMENTS_KEPT
    if (upTo - prunedSequence < PRUNE_BATCH) return
    this.#storage.prune(upTo, PRUNED_AT_ONCE_MAX)
    this.#forgetAfter = this.#storage.forgetEnded(at - ENDED_KEPT_MS, this.#forgetAfter, FORGET_BATCH)
  }

  /** Ends overdue holds, follows the band, asks the relay again; always leaves with the next alarm set. */
  override async alarm(): Promise<void> {
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

  /** What every command of a purchase does with its reservation. */
  #decide<T extends object>(
    command: ReservationCommand,
    decide: (state: StockState, own: Reservation | null, at: EpochMs) => Decision<T>,
    prepare: (book: Book) => void = () => undefined,
  ): Promise<Outcome<T>> {
    const work = (book: Book) => {
      prepare(book)
      const own = this.#storage.reservation(command.purchaseId)
      const { outcome, change, reservation } = decide(book.state, own, book.at)
      if (change) book.enter(change, own)
      if (reservation) book.keep(reservation, own)
      return outcome
    }
    return this.#group.run(() => this.#write(command, work))
  }

  /** One mutation: state, ledger and alarm in one stretch without an await, so they are durable together; then a nudge. */
  #write<T>(command: StoreCommand, work: (book: Book) => T): T {
    const at = now()
    const { answer, state } = this.#afterExpiry(command, at, work)
    if (this.#arm(state, at) && !this.#nudger.isOutstanding) this.ctx.waitUntil(this.#nudge(state))
    return answer
  }

  /** What is over ends before the command is decided; where that is much, in transactions of its own. */
  #afterExpiry<T>(
    command: StoreCommand,
    at: EpochMs,
    work: (book: Book) => T,
  ): { answer: T; state: StockState } {
    for (;;) {
      const { answer, state } = this.#transact(command, at, (book) =>
        book.expire(EXPIRED_AT_ONCE_MAX) ? { said: work(book) } : null,
      )
      if (answer) return { answer: answer.said, state }
    }
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
      if (this.isSilent) this.#confirm(book.state.sequence, documentVersion(book.state), at)
      return { answer, state: book.state }
    })
  }

  /** An assertion that throws inside takes back all that was written. */
  #undoIfThrown<T>(work: () => T): T {
    try {
      return this.ctx.storage.transactionSync(work)
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
    void this.ctx.storage.setAlarm(at)
  }

  /** What has a ledger or a policy has a store; an object with neither has nothing to tell. */
  async #nudge({ store, item }: StockState): Promise<void> {
    if (store) await this.#nudger.nudge({ kind: 'stock', store, key: item })
  }

  /** What a reader sees: overdue holds are over, though only the next mutation or alarm writes it. */
  #stateAt(at: EpochMs): StockState {
    return withoutOverdue(this.#storage.load(), this.#storage.overdue(at, ALL), at)
  }
}

function asReplay(outcome: Outcome<MoveAnswer>): Outcome<MoveAnswer> {
  return { ...outcome, isReplay: true }
}
