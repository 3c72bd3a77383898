import { DurableObject } from 'cloudflare:workers'
import { type EpochMs, now } from '../../runtime/clock.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
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
  ReclaimCommand,
  ReleaseCommand,
  ReserveCommand,
  StockAudit,
  StockPolicy,
  StockRpc,
  Taken,
} from '../../schema/rpc/stock.ts'
import { objectName } from '../object-stub.ts'
import { Auditor } from './auditor.ts'
import { documentOf } from './band.ts'
import type { Book } from './book.ts'
import { decideAllocate } from './decide-allocate.ts'
import { decideDeallocate } from './decide-deallocate.ts'
import { decideFulfill, shippable } from './decide-fulfill.ts'
import { decideRelease } from './decide-release.ts'
import { decideReserve, look } from './decide-reserve.ts'
import type { Decision } from './decision.ts'
import { GroupCommit } from './group-commit.ts'
import { availabilityNow, levelsOf, withoutOverdue } from './ledger.ts'
import { pullRun } from './outbox.ts'
import { move, reclaim, setArrival, setPolicy } from './staff-commands.ts'
import type { Reservation, StockState } from './state.ts'
import { StockStorage } from './storage.ts'
import { type StoreCommand, Writer } from './writer.ts'

type Query<M extends keyof StockRpc> = Parameters<StockRpc[M]>[0]
type ReservationCommand = StoreCommand & { purchaseId: string }

/** Levels, reservations, allocations and movements of one stock item; one writer, so there is no race to lose. */
export class Stock extends DurableObject<Env> implements StockRpc {
  readonly #storage: StockStorage
  readonly #auditor: Auditor
  readonly #writer: Writer
  readonly #group: GroupCommit

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // In a transaction, since it brings the tables of the version before up to date.
    this.#storage = ctx.storage.transactionSync(
      () => new StockStorage(ctx.storage.sql, objectName(ctx.id).key),
    )
    this.#auditor = new Auditor(this.#storage, ctx.storage.sql)
    this.#writer = new Writer(ctx, env.EVENTS_QUEUE, this.#storage, this.isSilent)
    this.#group = new GroupCommit(ctx.storage)
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
    return this.#writer.write(command, (book) => move(this.#storage, book, command))
  }

  async reclaim(command: ReclaimCommand): Promise<Outcome<MoveAnswer>> {
    if (!this.#storage.load().store) return refuse('item_not_found')
    return this.#writer.write(command, (book) => reclaim(this.#storage, book, command))
  }

  async setArrival(command: ArrivalCommand): Promise<Outcome<{ levels: Levels }>> {
    return this.#writer.write(command, (book) => setArrival(book, command))
  }

  async setPolicy(command: Query<'setPolicy'>): Promise<Outcome<{ policy: StockPolicy; levels: Levels }>> {
    return this.#writer.write(command, (book) => setPolicy(book, command))
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
  }: Query<'movements'>): Promise<{ movements: Movement[]; olderInLog: boolean }> {
    const movements = this.#storage.movements(before, limit)
    const { prunedSequence } = this.#storage.watermarks()
    return { movements, olderInLog: prunedSequence > 0 && movements.length < limit }
  }

  async audit(lowStockThreshold?: number): Promise<StockAudit | null> {
    const { store, storeLowStockThreshold } = this.#storage.load()
    if (store && lowStockThreshold !== undefined && lowStockThreshold !== storeLowStockThreshold) {
      await this.#writer.write({ store, lowStockThreshold }, (book) => book.follow())
    }
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
    return this.#writer.write({ store }, (book) => this.#auditor.report(book, report))
  }

  async pull(limit: number): Promise<Pulled> {
    this.#writer.noteFetched()
    return pullRun(this.#storage, limit, now())
  }

  async confirm(outbox: number, version: number | null): Promise<void> {
    this.#writer.confirm(outbox, version ?? 0)
  }

  override async alarm(): Promise<void> {
    await this.#writer.alarm()
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
    return this.#group.run(() => this.#writer.write(command, work))
  }

  /** What a reader sees: overdue holds are over, though only the next mutation or alarm writes it. */
  #stateAt(at: EpochMs): StockState {
    return withoutOverdue(this.#storage.load(), this.#storage.overdueUnits(at))
  }
}
