import { type EpochMs, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import { type EventType, matchesFilter, visibleTypes } from '../../schema/event-types.ts'
import { deliveryBody } from './delivery-body.ts'
import type { DeliveryStorage, DueDelivery } from './delivery-storage.ts'
import type { EndpointState } from './endpoint-state.ts'
import type { EndpointStorage } from './endpoint-storage.ts'
import { type LogEvent, readLog } from './log.ts'
import type { AttemptResult } from './send-attempt.ts'

/** 6: the connections an invocation may have open at once (Durable Objects limits); more would wait inside their own time limit. */
export const IN_FLIGHT_MAX = 6
/** 100,000 events of 2 KB are 200 MB of the object's 10 GB; behind that the events wait in the log, where they are safe too. */
const PENDING_MAX = 100_000
const LOG_RETRY_MS = 2_000
const FULL_RETRY_MS = 30_000
/** Pruning scans the kept rows, so not after every drain. */
const PRUNE_EVERY_MS = 10 * 60 * 1000

/** What the dispatcher needs of its object. */
export interface DispatcherHost {
  env: Env
  endpoint: EndpointStorage
  deliveries: DeliveryStorage
  transaction<T>(work: () => T): T
  attempt(state: EndpointState, eventId: string, body: string): Promise<AttemptResult>
  /** Writes down what an attempt made of its delivery. */
  settle(delivery: DueDelivery, result: AttemptResult): void
  /** Called before something is sent: an alarm must bring the object back if it dies meanwhile. */
  armWatch(): void
}

/**
 * Reads the log on and sends what is due, one drain at a time: the head of each subject, several subjects side by
 * side, so that a failing subject holds up itself alone. A crash at any point repeats at most what was in flight.
 */
export class Dispatcher {
  readonly #host: DispatcherHost
  #isRunning = false
  #isBehind = false
  #readAgainAt: EpochMs | null = null
  #woken = Promise.withResolvers<void>()
  #prunedAt: EpochMs = 0
  /** No fewer than are pending, redeliveries aside; counted anew only when it comes near the bound, since counting reads every pending row. */
  #pendingAtMost = Number.POSITIVE_INFINITY

  constructor(host: DispatcherHost) {
    this.#host = host
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** When the log must be read again because the last time did not work out. */
  get readAgainAt(): EpochMs | null {
    return this.#readAgainAt
  }

  /** Runs until nothing is due, or hands the work to the drain that is running. Does not throw. */
  async drain(): Promise<void> {
    this.#isBehind = true
    this.#woken.resolve()
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      await this.#run()
    } catch (error) {
      log('error', 'a drain stopped; the alarm goes on', { error: errorText(error) })
    } finally {
      this.#isRunning = false
    }
  }

  async #run(): Promise<void> {
    const inFlight = new Map<number, Promise<void>>()
    let isWatched = false
    for (;;) {
      this.#woken = Promise.withResolvers<void>()
      if (this.#isBehind) await this.#readOn()
      for (const delivery of this.#due(inFlight)) {
        if (!isWatched) this.#host.armWatch()
        isWatched = true
        const sending = this.#send(delivery).finally(() => inFlight.delete(delivery.position))
        inFlight.set(delivery.position, sending)
      }
      if (inFlight.size === 0 && !this.#isBehind) break
      if (!this.#isBehind) await this.#rest(inFlight)
    }
    this.#prune()
  }

  /** Until a wake-up, the end of an attempt, or the time of a retry: one that hangs must not hold up another subject's. */
  async #rest(inFlight: ReadonlyMap<number, Promise<void>>): Promise<void> {
    const retryAt = this.#host.deliveries.nextAttemptAfter(now())
    let timer: ReturnType<typeof setTimeout> | null = null
    const retry = new Promise<void>((resolve) => {
      if (retryAt !== null) timer = setTimeout(resolve, retryAt - now())
    })
    await Promise.race([this.#woken.promise, retry, ...inFlight.values()])
    clearTimeout(timer)
  }

  #due(inFlight: ReadonlyMap<number, unknown>): DueDelivery[] {
    if (this.#host.endpoint.endpoint()?.status !== 'enabled') return []
    const room = IN_FLIGHT_MAX - inFlight.size
    if (room === 0) return []
    return this.#host.deliveries
      .due(now(), IN_FLIGHT_MAX + inFlight.size)
      .filter(({ position }) => !inFlight.has(position))
      .slice(0, room)
  }

  async #send(delivery: DueDelivery): Promise<void> {
    const state = this.#host.endpoint.endpoint()
    if (!state) return
    const result = await this.#host.attempt(state, delivery.eventId, delivery.body)
    this.#host.settle(delivery, result)
  }

  /** One page of the log becomes rows; the cursor moves in the same transaction. */
  async #readOn(): Promise<void> {
    this.#isBehind = false
    this.#readAgainAt = null
    const state = this.#host.endpoint.endpoint()
    if (state?.status !== 'enabled') return
    if (this.#pendingAtMost >= PENDING_MAX) this.#pendingAtMost = this.#host.deliveries.pendingCount()
    if (this.#pendingAtMost >= PENDING_MAX) {
      this.#readAgainAt = now() + FULL_RETRY_MS
      return
    }
    const types = wantedTypes(state)
    let page: { events: LogEvent[]; hasMore: boolean }
    try {
      page = await readLog(this.#host.env, state.store.slug, state.cursor, types)
    } catch (error) {
      log('warn', 'the log does not answer', { store: state.store.slug, error: errorText(error) })
      this.#readAgainAt = now() + LOG_RETRY_MS
      return
    }
    this.#writeDown(state.cursor, types, page.events)
    this.#pendingAtMost += page.events.length
    if (page.hasMore) this.#isBehind = true
  }

  #writeDown(from: number, types: readonly EventType[], page: LogEvent[]): void {
    const last = page.at(-1)
    if (!last) return
    this.#host.transaction(() => {
      const state = this.#host.endpoint.endpoint()
      // Deleted or moved while the log was read: what was read is no longer wanted.
      if (!state || state.deletedAt !== null || state.cursor !== from) return
      // Other types are wanted by now; the data of those was not read, and the cursor must not pass it.
      if (wantedTypes(state).join() !== types.join()) {
        this.#isBehind = true
        return
      }
      for (const event of page) {
        if (event.data === null) continue
        const body = deliveryBody(state.store.slug, { ...event, data: event.data })
        this.#host.deliveries.insert({ ...event, eventId: event.id, body }, now())
      }
      this.#host.endpoint.setCursor(last.position)
    })
  }

  #prune(): void {
    if (now() - this.#prunedAt < PRUNE_EVERY_MS) return
    this.#prunedAt = now()
    this.#host.transaction(() => this.#host.deliveries.prune(now()))
  }
}

function wantedTypes({ types, scopes }: EndpointState): EventType[] {
  return visibleTypes(scopes).filter((type) => types.some((filter) => matchesFilter(filter, type)))
}
