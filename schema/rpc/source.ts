import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../event-types.ts'
import type { StoreRef } from '../store-ref.ts'

/** An event as its owner keeps it until the log has it. */
export interface OutboxEvent {
  /** The owner's own order, 1, 2, 3, ... over all its subjects; what `confirm` counts in. */
  outbox: number
  /** `evt_...`, made once with the change; the receiver's deduplication key. */
  id: string
  type: EventType
  /** `item:{item}`, `order:{id}`, `product:{handle}`, ... */
  subject: string
  /** 1, 2, 3, ... within the subject, no gap. */
  sequence: number
  occurredAt: EpochMs
  /** JSON text, so that it is parsed by readers only. Holds no personal data. */
  data: string
}

/** What the record needs beside the events; each is upserted only over an older `version`. */
export type SourceDocument =
  | { kind: 'availability'; item: string; version: number; document: AvailabilityDocument }
  | { kind: 'order'; orderId: string; version: number; document: OrderRecord }

/** The row of one stock item in D1 CATALOGUE: bands for shoppers, levels for the consolidated list. */
export interface AvailabilityDocument {
  band: Band
  availableOn: string | null
  onHand: number
  reserved: number
  allocated: number
  safetyStock: number
  available: number
  backorderLimit: number
  /** Units of all arrivals. */
  incoming: number
  /** Codes of the locations that have a position of this item. */
  locations: string[]
  /** The same locations with what each has, its lots added up. */
  byLocation: LocationFigures[]
}

/** What one location has of an item. */
export interface LocationFigures {
  location: string
  onHand: number
  reserved: number
  allocated: number
}

export type Band = 'in_stock' | 'low_stock' | 'out_of_stock' | 'backorder'

/** The row of one order in D1 ORDERS. `order` is the order document as the API answers it, as JSON text, without token. */
export interface OrderRecord {
  number: string
  status: string
  paymentStatus: string
  fulfillmentStatus: string
  /** Lower case; null when there is none. Here for the staff's filter, never in an event. */
  email: string | null
  skus: string[]
  /** What the order has allocated now; empty after its cancellation. */
  items: { item: string; quantity: number }[]
  placedAt: EpochMs
  /** Effects that keep failing and that a person should look at; absent where there never was one. */
  stuck?: { effect: string; what: string }[]
  order: string
}

export interface Pulled {
  /** The unconfirmed run from the first unconfirmed, at most `limit`. */
  events: OutboxEvent[]
  /** The present document, of a version not older than the last event of the run; null when there is none to record. */
  document: SourceDocument | null
  /** True when more events wait behind this run. */
  hasMore: boolean
}

/** What the relay asks of every owner of facts. The D1 CATALOGUE outbox answers the same questions. */
export interface EventSource {
  /** Clears the "nudged" flag first, so that a change made after this pull nudges again. */
  pull(limit: number): Promise<Pulled>
  /**
   * Everything up to and including `outbox` is in the log (0 when the pull had no events), and the document of
   * `documentVersion` is in the record (null when the pull had none). Idempotent, `max()`.
   */
  confirm(outbox: number, documentVersion: number | null): Promise<void>
}

/** A document on its way to the record, with the slug of its store. What the relay hands to the rooms that record. */
export interface AvailabilityToRecord {
  store: string
  document: Extract<SourceDocument, { kind: 'availability' }>
}
export interface OrderToRecord {
  store: string
  document: Extract<SourceDocument, { kind: 'order' }>
}

/** The queue message. It is a wake-up and carries no fact. */
export interface Nudge {
  sources: SourceRef[]
}

/**
 * How long a nudge waits for others of its isolate to go along: each message is three billed operations, and the local
 * queue takes only some dozens of messages a second beside other work.
 */
export const NUDGE_WAIT_MS = 10
/** 100 sources of at most 600 bytes stay below half of the 128 KB that a message may have (Queues limits). */
export const NUDGE_SOURCES_MAX = 100

export type SourceRef =
  | { kind: 'stock'; store: StoreRef; key: string }
  | { kind: 'purchase'; store: StoreRef; key: string }
  | { kind: 'webhook-endpoint'; store: StoreRef; key: string }
  | { kind: 'catalogue'; store: StoreRef; key: '' }

/** One name for a source, whatever it is. */
export function sourceName({ kind, store, key }: SourceRef): string {
  return `${kind}/${store.slug}/${key}`
}
