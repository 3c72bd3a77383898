import { type EpochMs, now } from '../../runtime/clock.ts'
import { newId, orderId } from '../../schema/ids.ts'
import type { OutboxEvent, SourceRef } from '../../schema/rpc/source.ts'
import { Nudger } from '../nudge.ts'
import { objectName } from '../object-stub.ts'
import { agendaOf, Pacing, type Task } from './agenda.ts'
import { paymentOf } from './payment-request.ts'
import type { Change, EventDraft, PurchaseState } from './state.ts'
import type { HoldContext, VersionSource } from './stock-holds.ts'
import { PurchaseStorage } from './storage.ts'

/** The purchase in memory and on disk: changes go through `commit`, with their events and the alarm, all or nothing. */
export class PurchaseRecord {
  readonly storage: PurchaseStorage
  readonly purchaseId: string
  readonly nudger: Nudger
  readonly #ctx: DurableObjectState
  readonly #pacing = new Pacing()
  #state: PurchaseState | null
  /** Undefined until it was read; null when no alarm is set. */
  #armedAt: EpochMs | null | undefined
  #stockVersion: number

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx
    this.purchaseId = objectName(ctx.id).key
    this.nudger = new Nudger(env.EVENTS_QUEUE)
    this.storage = new PurchaseStorage(ctx.storage.sql)
    this.#state = this.storage.load()
    this.#stockVersion = this.#state?.stockVersion ?? 0
  }

  get state(): PurchaseState | null {
    return this.#state
  }

  /** Before each command: `commit` is synchronous and must know when the alarm rings. */
  async ready(): Promise<void> {
    if (this.#armedAt === undefined) this.#armedAt = await this.#ctx.storage.getAlarm()
  }

  /**
   * Larger than any before, also than those that a crash forgot: the clock is the floor, and Stock names the version
   * to exceed where it is not.
   */
  readonly #versions: VersionSource = {
    next: () => {
      this.#stockVersion = Math.max(this.#stockVersion + 1, now())
      return this.#stockVersion
    },
    raiseTo: (version) => {
      this.#stockVersion = Math.max(this.#stockVersion, version)
    },
  }

  holdContext({ settings, purchaseId }: PurchaseState): HoldContext {
    const { store, lowStockThreshold } = settings
    return { store, purchaseId, lowStockThreshold, versions: this.#versions }
  }

  /** Writes a change with its events, its answer and what `also` adds, arms the alarm, and nudges the relay. */
  commit(change: Change, also?: (storage: PurchaseStorage) => void): PurchaseState {
    const { state, rows } = this.#number(change)
    this.#transaction(() => {
      this.storage.save(state, this.#state)
      this.#savePayment(state)
      this.storage.writeEvents(rows)
      also?.(this.storage)
      if (change.answer) {
        const { attempt, answer, isKept } = change.answer
        this.storage.writeAnswer(attempt, answer, isKept)
      }
    })
    const isNewDocument = state.order !== (this.#state?.order ?? null)
    this.#state = state
    this.arm()
    if (rows.length > 0 || isNewDocument) this.nudge()
    return state
  }

  /** Writes beside the purchase, or without there being one. */
  write(write: (storage: PurchaseStorage) => void): void {
    this.#transaction(() => write(this.storage))
    this.arm()
  }

  #transaction(write: () => void): void {
    try {
      this.#ctx.storage.transactionSync(() => {
        this.storage.migrate()
        write()
      })
    } catch (error) {
      this.storage.forget()
      throw error
    }
  }

  /** The payment of an attempt outlives the attempt: a notification may come late. */
  #savePayment({ attempt }: PurchaseState): void {
    const before = this.#state?.attempt
    if (!attempt?.totals || attempt.windowEndsAt === null) return
    const isSame = before?.number === attempt.number && before.windowEndsAt !== null
    if (isSame && before.providerReference === attempt.providerReference) return
    this.storage.writePayment(attempt.number, paymentOf(attempt))
  }

  /** Gives events their ids and numbers; the counters are part of the state they come with. */
  #number({ state, events = [] }: Change): {
    state: PurchaseState
    rows: Omit<OutboxEvent, 'outbox'>[]
  } {
    const sequences = { ...state.sequences }
    const at = now()
    const rows = events.map(({ type, subject, data }: EventDraft) => ({
      id: newId('event', at),
      type,
      subject: subject === 'order' ? `order:${orderId(state.purchaseId)}` : `cart:${state.purchaseId}`,
      sequence: ++sequences[subject],
      occurredAt: at,
      data: JSON.stringify(data),
    }))
    return { state: { ...state, sequences, stockVersion: this.#stockVersion }, rows }
  }

  /** Sends the wake-up to the relay, after the commit and without waiting for it. */
  nudge(): void {
    const state = this.#state
    if (!state) return
    const source: SourceRef = { kind: 'purchase', store: state.settings.store, key: this.purchaseId }
    this.#ctx.waitUntil(this.nudger.nudge(source))
  }

  /** With pauses after tries that did not help; `isDue` asks without them. */
  agenda(): Map<Task, EpochMs> {
    return this.#pacing.apply(this.#agenda())
  }

  isDue(task: Task): boolean {
    return (this.#agenda().get(task) ?? Number.POSITIVE_INFINITY) <= now()
  }

  #agenda(): Map<Task, EpochMs> {
    return agendaOf({
      state: this.#state,
      unconfirmedSince: this.#unconfirmedSince(),
      keptUntil: this.#state ? null : this.storage.lastKeptUntil(),
    })
  }

  /** Since when the log lacks an event or the record lacks the order as it is. */
  #unconfirmedSince(): EpochMs | null {
    const since = this.storage.oldestUnconfirmedAt()
    if (since !== null || !this.#state?.order) return since
    return this.#state.order.version > this.storage.recordedVersion() ? this.#state.updatedAt : null
  }

  tried(task: Task): void {
    this.#pacing.tried(task, now())
  }

  /** The alarm has rung: none is set. */
  disarmed(): void {
    this.#armedAt = null
  }

  /** Moves the alarm forward when something is due earlier; each setting is billed as a row, so never for later. */
  arm(): void {
    const next = Math.min(...this.agenda().values())
    if (!Number.isFinite(next) || (this.#armedAt != null && this.#armedAt <= next)) return
    this.#armedAt = next
    // Joins the writes before it: there is no await in between. The output gate waits for it.
    this.#ctx.storage.setAlarm(next)
  }

  /**
   * As if this purchase had never been. Only an id that was derived from an `Idempotency-Key` can come again: there the
   * counts of what was told and of attempts stay, a few bytes, or the log would see two histories under one subject and
   * a provider two payments under one id.
   */
  async empty(): Promise<void> {
    const past = this.#past()
    if (past) {
      this.#transaction(() => this.storage.keepPast(past))
    } else {
      await this.#ctx.storage.deleteAll()
      this.storage.forget()
    }
    this.#state = null
    this.#armedAt = null
  }

  /** What must be known if this id comes again; null when there is nothing, or when it cannot come. */
  #past(): PurchaseState['sequences'] | null {
    const state = this.#state
    // A refusal kept under the key may be all there is: what was before it stays.
    if (!state) return this.storage.pastSequences()
    const hasLeftTraces = state.sequences.cart > 0 || this.storage.lastAttempt() > 0
    return state.isNamedByKey && hasLeftTraces ? state.sequences : null
  }
}
