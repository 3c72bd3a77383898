import { DurableObject } from 'cloudflare:workers'
import { now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import { randomFraction } from '../../runtime/random.ts'
import { visibleTypes } from '../../schema/event-types.ts'
import { newId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type { Pulled, SourceRef } from '../../schema/rpc/source.ts'
import {
  type Attempt,
  type CreateEndpointCommand,
  type Delivery,
  type DeliveryState,
  type DisabledReason,
  type Endpoint,
  REDELIVERIES_MAX,
  SECRET_OVERLAP_MS,
  type WebhookEndpointRpc,
} from '../../schema/rpc/webhook-endpoint.ts'
import { isBorn, migrate } from '../migrate.ts'
import { Nudger } from '../nudge.ts'
import { judgeAddress } from './address-policy.ts'
import { DeliveryStorage, type DueDelivery } from './delivery-storage.ts'
import { Dispatcher } from './dispatcher.ts'
import { bornState, type EndpointState, subjectOf, testBody } from './endpoint-state.ts'
import { EndpointStorage } from './endpoint-storage.ts'
import { MIGRATIONS } from './migrations.ts'
import { nextAlarm } from './next-alarm.ts'
import { type AttemptResult, sendAttempt } from './send-attempt.ts'
import { settle } from './settle.ts'
import { newSecret } from './signature.ts'

type RedeliverCommand = Parameters<WebhookEndpointRpc['redeliver']>[0]

/** One partner's endpoint: what it wants, what it got, what is still due. A slow partner slows only itself. */
export class WebhookEndpoint extends DurableObject<Env> implements WebhookEndpointRpc {
  readonly #endpoint = new EndpointStorage(this.ctx.storage.sql)
  readonly #deliveries = new DeliveryStorage(this.ctx.storage.sql)
  readonly #nudger = new Nudger(this.env.EVENTS_QUEUE)
  readonly #dispatcher = new Dispatcher({
    env: this.env,
    endpoint: this.#endpoint,
    deliveries: this.#deliveries,
    transaction: (work) => this.ctx.storage.transactionSync(work),
    attempt: (state, eventId, body) => this.#attempt(state, eventId, body),
    settle: (delivery, result) => this.#settle(delivery, result),
    armWatch: () => void this.#arm(),
  })
  /** Keys of the tests that are under way: their answer is not kept before the partner has answered. */
  readonly #testing = new Set<string>()
  #isBorn = isBorn(this.ctx.storage.sql)
  #armedAt: number | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    if (this.#isBorn) this.ctx.storage.transactionSync(() => migrate(this.ctx.storage.sql, MIGRATIONS))
  }

  async create(command: CreateEndpointCommand) {
    const refusal = this.#judge(command.url)
    if (refusal) return refusal
    const outcome = this.ctx.storage.transactionSync(() => {
      migrate(this.ctx.storage.sql, MIGRATIONS)
      const replay = this.#endpoint.replay<{ endpoint: Endpoint; secret: string }>(command.idempotency, now())
      if (replay) return replay
      if (this.#endpoint.endpoint()) return refuse('idempotency_key_reused')
      const secret = newSecret()
      this.#endpoint.save(bornState(command))
      this.#endpoint.addSecret(secret, now(), now() + SECRET_OVERLAP_MS)
      const answer = { endpoint: this.#view(this.#endpoint.endpoint()!), secret }
      this.#endpoint.remember(command.idempotency, answer, now())
      return { ok: true as const, ...answer, isReplay: false }
    })
    this.#isBorn = true
    // Started in the past: there may be much to send already.
    if (outcome.ok) await this.poke()
    return outcome
  }

  async describe(): Promise<Outcome<{ endpoint: Endpoint }>> {
    const state = this.#live()
    return state ? { ok: true, endpoint: this.#view(state) } : absent()
  }

  async update(command: Parameters<WebhookEndpointRpc['update']>[0]) {
    const refusal = command.url === null ? null : this.#judge(command.url)
    if (refusal) return refusal
    const isAimed = command.url !== null || command.types !== null
    return this.#change((state) => {
      // Who decides where or what to send must be allowed to read it, what was written down before included.
      if (isAimed) this.#deliveries.buryUnseen(visibleTypes(command.scopes), now())
      return {
        ...state,
        url: command.url ?? state.url,
        types: command.types ?? state.types,
        description: command.description ?? state.description,
        scopes: isAimed ? command.scopes : state.scopes,
      }
    })
  }

  async pause() {
    return this.#change((state) => (state.status === 'enabled' ? { ...state, status: 'paused' } : state))
  }

  async resume() {
    const outcome = this.#change((state) => ({
      ...state,
      status: 'enabled',
      disabledReason: null,
      failingSince: null,
    }))
    await this.poke()
    return outcome
  }

  async rotateSecret(command: Parameters<WebhookEndpointRpc['rotateSecret']>[0]) {
    return this.#once(command.idempotency, () => {
      const secret = newSecret()
      const previousExpiresAt = now() + SECRET_OVERLAP_MS
      this.#endpoint.addSecret(secret, now(), previousExpiresAt)
      return { secret, previousExpiresAt }
    })
  }

  async sendTest(command: Parameters<WebhookEndpointRpc['sendTest']>[0]) {
    const state = this.#live()
    if (!state) return absent()
    const replay = this.#endpoint.replay<{ eventId: string; attempt: Attempt }>(command.idempotency, now())
    if (replay) return replay
    const key = command.idempotency?.key
    if (key && this.#testing.has(key)) return refuse('request_in_progress')
    if (key) this.#testing.add(key)
    try {
      const eventId = newId('event', now())
      const result = await this.#attempt(state, eventId, testBody(state, eventId))
      const { retryAfterMs: _, ...attempt } = result
      return this.#once(command.idempotency, () => ({ eventId, attempt }))
    } finally {
      if (key) this.#testing.delete(key)
    }
  }

  async redeliver(command: RedeliverCommand) {
    const outcome = this.#once(command.idempotency, () => {
      const visible = visibleTypes(this.#endpoint.endpoint()!.scopes)
      const scheduled = this.#deliveries.redeliver({ ...command, visible }, now(), REDELIVERIES_MAX)
      return { scheduled, hasMore: scheduled === REDELIVERIES_MAX }
    })
    await this.poke()
    return outcome
  }

  async deliveries(query: { state: DeliveryState | null; before: number | null; limit: number }) {
    if (!this.#live()) return absent()
    const deliveries: Delivery[] = this.#deliveries.page(query)
    return { ok: true as const, deliveries }
  }

  async remove(): Promise<void> {
    this.#change((state) => {
      this.#deliveries.clear()
      return { ...state, status: 'disabled', deletedAt: now() }
    })
    await this.#arm()
  }

  /** The caller is not kept waiting for partners: the drain runs behind the answer. */
  async poke(): Promise<void> {
    if (!this.#live()) return
    this.ctx.waitUntil(this.#drain())
  }

  async pull(limit: number): Promise<Pulled> {
    this.#nudger.clear()
    const state = this.#isBorn ? this.#endpoint.endpoint() : null
    if (!state) return { events: [], document: null, hasMore: false }
    const run = this.#endpoint.unconfirmed(subjectOf(state), limit + 1)
    return { events: run.slice(0, limit), document: null, hasMore: run.length > limit }
  }

  async confirm(outbox: number): Promise<void> {
    if (this.#isBorn) this.ctx.storage.transactionSync(() => this.#endpoint.confirm(outbox))
  }

  /** Catches everything: an alarm that fails six times is gone for ever. */
  override async alarm(): Promise<void> {
    this.#armedAt = null
    if (!this.#isBorn) return
    try {
      if (await this.#eraseIfOver()) return
      if (this.#hasUnconfirmed()) {
        this.#nudger.clear()
        await this.#nudger.nudge(this.#source())
      }
      await this.#dispatcher.drain()
      await this.#arm()
    } catch (error) {
      log('error', 'alarm failed; it comes again', { object: 'webhook-endpoint', error: errorText(error) })
      await this.ctx.storage.setAlarm(now() + 30_000)
    }
  }

  /** A wake-up that finds a drain running leaves the alarm to it. */
  async #drain(): Promise<void> {
    await this.#dispatcher.drain()
    if (!this.#dispatcher.isRunning) await this.#arm()
  }

  async #attempt(state: EndpointState, eventId: string, body: string): Promise<AttemptResult> {
    return sendAttempt({ url: state.url, secrets: this.#endpoint.activeSecrets(now()) }, eventId, body)
  }

  #settle(delivery: DueDelivery, result: AttemptResult): void {
    this.ctx.storage.transactionSync(() => {
      const state = this.#endpoint.endpoint()
      const row = this.#deliveries.find(delivery.position)
      if (!state || row?.state !== 'pending') return
      const after = settle({ ...row, failingSince: state.failingSince }, result, now(), randomFraction())
      this.#deliveries.settle(delivery.position, row.subject, after, now())
      if (after.failingSince !== state.failingSince) this.#endpoint.setFailingSince(after.failingSince)
      if (after.disable && state.status === 'enabled') this.#disable(after.disable)
    })
  }

  /** The partner's store hears of it, by event: the endpoint itself can no longer be told. */
  #disable(reason: DisabledReason): void {
    const state = this.#endpoint.endpoint()!
    this.#endpoint.save({ ...state, status: 'disabled', disabledReason: reason })
    const data = { endpoint: state.id, reason }
    this.#endpoint.recordEvent({
      id: newId('event', now()),
      type: 'webhook_endpoint.disabled',
      at: now(),
      data,
    })
    void this.#arm()
    this.ctx.waitUntil(this.#nudger.nudge(this.#source()))
  }

  /** Loads, changes, persists; a deleted endpoint is absent. */
  #change(change: (state: EndpointState) => EndpointState): Outcome<{ endpoint: Endpoint }> {
    return this.ctx.storage.transactionSync(() => {
      const state = this.#live()
      if (!state) return absent()
      this.#endpoint.save(change(state))
      return { ok: true as const, endpoint: this.#view(this.#endpoint.endpoint()!) }
    })
  }

  /** Does it once for a key; the answer is kept in the same transaction. */
  #once<T extends object>(
    stamp: Parameters<EndpointStorage['replay']>[0],
    work: () => T,
  ): Outcome<T & { isReplay: boolean }> {
    return this.ctx.storage.transactionSync(() => {
      if (!this.#live()) return absent()
      const replay = this.#endpoint.replay<T>(stamp, now())
      if (replay) return replay
      const answer = work()
      this.#endpoint.remember(stamp, answer, now())
      return { ok: true as const, ...answer, isReplay: false }
    })
  }

  #live(): EndpointState | null {
    const state = this.#isBorn ? this.#endpoint.endpoint() : null
    return state?.deletedAt === null ? state : null
  }

  #view(state: EndpointState): Endpoint {
    const { id, url, types, description, status, disabledReason, createdAt, cursor } = state
    const counts = this.#deliveries.counts()
    return { id, url, types, description, status, disabledReason, createdAt, cursor, ...counts }
  }

  #judge(url: string) {
    const verdict = judgeAddress(url, HOLDFAST_LOCAL)
    if (verdict.ok) return null
    return refuse('malformed_request', undefined, { errors: [{ path: '/url', message: verdict.reason }] })
  }

  #source(): SourceRef {
    const { store, id } = this.#endpoint.endpoint()!
    return { kind: 'webhook-endpoint', store, key: id }
  }

  #hasUnconfirmed(): boolean {
    return this.#endpoint.unconfirmed('', 1).length > 0
  }

  /** A deleted endpoint goes once its own events are in the log and no replay of its creation can come. */
  async #eraseIfOver(): Promise<boolean> {
    const deletedAt = this.#endpoint.endpoint()?.deletedAt ?? null
    if (deletedAt === null || now() < deletedAt + IDEMPOTENCY_KEPT_MS || this.#hasUnconfirmed()) return false
    // An id that was derived from a key can come again: its events then go on counting, or the log sees two histories.
    if (this.#endpoint.hasTold()) {
      this.ctx.storage.transactionSync(() => this.#endpoint.clear())
      return true
    }
    await this.ctx.storage.deleteAll()
    this.#isBorn = false
    return true
  }

  async #arm(): Promise<void> {
    const state = this.#isBorn ? this.#endpoint.endpoint() : null
    if (!state) return
    const at = nextAlarm({
      now: now(),
      isEnabled: state.status === 'enabled',
      isDraining: this.#dispatcher.isRunning,
      readAgainAt: this.#dispatcher.readAgainAt,
      nextAttemptAt: this.#deliveries.nextAttemptAt(),
      hasUnconfirmed: this.#hasUnconfirmed(),
      eraseAt: state.deletedAt === null ? null : state.deletedAt + IDEMPOTENCY_KEPT_MS,
    })
    // An alarm that rings sooner computes this again; moving it would be a write for nothing.
    if (at === null || (this.#armedAt !== null && this.#armedAt > now() && this.#armedAt <= at)) return
    this.#armedAt = at
    await this.ctx.storage.setAlarm(at)
  }
}

function absent() {
  return refuse('webhook_endpoint_not_found')
}
