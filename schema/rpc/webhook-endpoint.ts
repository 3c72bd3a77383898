import type { EpochMs } from '../../runtime/clock.ts'
import type { Scope } from '../event-types.ts'
import type { Outcome } from '../outcome.ts'
import type { StoreRef } from '../store-ref.ts'
import type { IdempotencyStamp } from './idempotency.ts'
import type { EventSource } from './source.ts'

export const ENDPOINT_STATUSES = ['enabled', 'paused', 'disabled'] as const
export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number]

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Why an attempt failed; null when it succeeded. The response body is never kept. */
export const ATTEMPT_ERRORS = [
  /** No answer within the time limit. */
  'timeout',
  /** The host was not reached, or the connection broke. */
  'connection',
  /** A status outside 2xx. */
  'status',
  /** 3xx: the partner must register the new address. */
  'redirect',
  /** The address is one that we do not call. */
  'address_refused',
  /** 410: the partner wants no more; the endpoint is disabled. */
  'gone',
] as const
export type AttemptError = (typeof ATTEMPT_ERRORS)[number]

/** Why an endpoint was disabled by itself. */
export type DisabledReason = 'gone' | 'failing'

export interface Endpoint {
  id: string
  url: string
  /** Filters: exact, `prefix.*` or `*`. */
  types: string[]
  description: string
  status: EndpointStatus
  disabledReason: DisabledReason | null
  createdAt: EpochMs
  /** Log position up to which events are delivered or in its own list of deliveries. */
  cursor: number
  pending: number
  dead: number
}

export interface Attempt {
  at: EpochMs
  /** HTTP status; null when there was no answer. */
  status: number | null
  durationMs: number
  error: AttemptError | null
}

export interface Delivery {
  position: number
  eventId: string
  type: string
  subject: string
  sequence: number
  state: DeliveryState
  attempts: number
  /** Null: settled, or waiting for an earlier event of its subject. */
  nextAttemptAt: EpochMs | null
  /** The newest attempts, newest first. */
  history: Attempt[]
}

export interface CreateEndpointCommand {
  id: string
  store: StoreRef
  url: string
  types: string[]
  description: string
  /** Of the key that makes it: it hears only of events that key may read. */
  scopes: Scope[]
  /** The log position after which it starts. */
  from: number
  /** Null without an `Idempotency-Key`. */
  idempotency: IdempotencyStamp | null
}

/** The object `{store}/{endpointId}`. An object that was never created answers `webhook_endpoint_not_found`. */
export interface WebhookEndpointRpc extends EventSource {
  create(
    command: CreateEndpointCommand,
  ): Promise<Outcome<{ endpoint: Endpoint; secret: string; isReplay: boolean }>>
  describe(): Promise<Outcome<{ endpoint: Endpoint }>>
  /** A new address or new types take on the scopes of the key that sets them. */
  update(command: {
    scopes: Scope[]
    url: string | null
    types: string[] | null
    description: string | null
  }): Promise<Outcome<{ endpoint: Endpoint }>>
  /** Nothing is sent while paused; events wait in the log. */
  pause(): Promise<Outcome<{ endpoint: Endpoint }>>
  /** Also brings a disabled endpoint back. */
  resume(): Promise<Outcome<{ endpoint: Endpoint }>>
  /** A new secret; the old ones sign beside it for `SECRET_OVERLAP_MS`. */
  rotateSecret(command: {
    idempotency: IdempotencyStamp | null
  }): Promise<Outcome<{ secret: string; previousExpiresAt: EpochMs; isReplay: boolean }>>
  /** Sends `webhook_endpoint.test` now, whatever the status, outside the log and without retry. */
  sendTest(command: {
    idempotency: IdempotencyStamp | null
  }): Promise<Outcome<{ eventId: string; attempt: Attempt; isReplay: boolean }>>
  /** Schedules kept deliveries again; at most `REDELIVERIES_MAX` a call. */
  redeliver(command: {
    eventIds: string[] | null
    since: EpochMs | null
    state: DeliveryState | null
    idempotency: IdempotencyStamp | null
  }): Promise<Outcome<{ scheduled: number; hasMore: boolean; isReplay: boolean }>>
  /** Newest first, below `before` (exclusive; null starts at the newest). */
  deliveries(query: {
    state: DeliveryState | null
    before: number | null
    limit: number
  }): Promise<Outcome<{ deliveries: Delivery[] }>>
  /** Ends it: nothing is sent any more; its storage goes once its own events are in the log. */
  remove(): Promise<void>
  /** The log has grown: read on. Answers at once; the work goes on behind it. */
  poke(): Promise<void>
}

/** Both secrets sign for a day: time for a partner to roll the new one out. */
export const SECRET_OVERLAP_MS = 24 * 3600 * 1000
/** 10,000 rows are put back in one transaction well below a second; ask again for the rest. */
export const REDELIVERIES_MAX = 10_000
