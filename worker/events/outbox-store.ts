import { Gatherer } from '../../runtime/gatherer.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { EventType } from '../../schema/event-types.ts'
import { newId } from '../../schema/ids.ts'
import {
  type EventSource,
  NUDGE_SOURCES_MAX,
  NUDGE_WAIT_MS,
  type Nudge,
  type OutboxEvent,
  type Pulled,
  type SourceRef,
  sourceName,
} from '../../schema/rpc/source.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** An event of a change in D1 CATALOGUE. */
export interface RecordedEvent {
  store: string
  type: EventType
  /** `product:{handle}`, ... */
  subject: string
  /** Becomes the event's `data`; holds no personal data. */
  data: unknown
  /** When the change is made, epoch ms. */
  at: number
  /**
   * Writes the event only where this SQL condition holds when its statement runs, so that a guarded change that
   * did not happen has no event: `exists (select 1 from products where store = ? and handle = ? and revision = ?)`.
   * Plain `?` placeholders. Place the statements after the change they tell of.
   */
  onlyIf?: { sql: string; params: readonly (string | number | null)[] }
}

/** Counts the subject up; the counter is created by the subject's first event. Served by the primary key. */
const BUMP_SUBJECT = `insert into subject_heads (store, subject, sequence)
  select ?1, ?2, 1 where `
const BUMP_SUBJECT_TAIL = ` on conflict (store, subject) do update set sequence = sequence + 1`

/** The event itself, numbered by the counter that the statement before it moved. Served by subject_heads' key. */
const INSERT_EVENT = `insert into outbox (store, subject, sequence, id, type, occurred_at, data)
  select ?1, ?2, sequence, ?3, ?4, ?5, ?6 from subject_heads where store = ?1 and subject = ?2 and `

/** 4 MB of event data in one answer: a product event may have 256 KB, and an isolate has 128 MB for 100 sources. */
const PULL_CHARACTERS_MAX = 4_000_000

/**
 * What one store still has to tell, oldest first, as much as fits; the first always goes, or the run would never move
 * on (relay). Served by outbox_by_store.
 */
const SELECT_RUN = `select * from (
    select outbox, id, type, subject, sequence, occurred_at, data, count(*) over () as waiting,
      sum(length(data)) over (order by outbox) - length(data) as characters_before
    from (select * from outbox where store = ?1 order by outbox limit ?2))
  where characters_before < ?3 order by outbox`

/** Forgets what the log has (relay). Served by outbox_by_store. */
const DELETE_CONFIRMED = `delete from outbox where store = ?1 and outbox <= ?2`

/** Stores whose nudge was lost (cron). Reads the whole table, which is empty but for what is under way. */
const SELECT_STALE_STORES = `select distinct store from outbox where occurred_at < ?1 limit ?2`

/**
 * The two statements that record an event. They join the batch of the change, after it: change and event are
 * one transaction (promise 4). After the batch call `nudgeCatalogue`.
 */
export function recordEventStatements(env: Env, event: RecordedEvent): D1PreparedStatement[] {
  const condition = event.onlyIf ? `(${event.onlyIf.sql})` : 'true'
  const params = event.onlyIf?.params ?? []
  return [
    env.CATALOGUE.prepare(BUMP_SUBJECT + condition + BUMP_SUBJECT_TAIL).bind(
      event.store,
      event.subject,
      ...params,
    ),
    env.CATALOGUE.prepare(INSERT_EVENT + condition).bind(
      event.store,
      event.subject,
      newId('event', event.at),
      event.type,
      event.at,
      JSON.stringify(event.data),
      ...params,
    ),
  ]
}

/** Shared by the requests of an isolate: an import of a thousand products is some dozen messages. */
const waiting = new Gatherer<SourceRef>(NUDGE_WAIT_MS, NUDGE_SOURCES_MAX)

/**
 * Wakes the relay, after the batch. Costs the caller nothing: it runs behind the answer, and a queue that fails only
 * delays, since cron nudges for what stays unconfirmed.
 */
export function nudgeCatalogue(env: Env, ctx: { waitUntil(work: Promise<unknown>): void }, store: StoreRef) {
  ctx.waitUntil(sendNudge(env, store))
}

export async function sendNudge(env: Env, store: StoreRef): Promise<void> {
  const source: SourceRef = { kind: 'catalogue', store, key: '' }
  const sources = await waiting.gather(sourceName(source), source)
  if (sources.length === 0) return
  try {
    await env.EVENTS_QUEUE.send({ sources } satisfies Nudge)
  } catch (error) {
    log('warn', 'nudge failed; cron repeats it', { sources: sources.length, error: errorText(error) })
  }
}

interface OutboxRow {
  outbox: number
  id: string
  type: EventType
  subject: string
  sequence: number
  occurred_at: number
  data: string
  /** Rows of this store up to the limit, whether they fit or not. */
  waiting: number
}

/** The outbox of one store's catalogue, asked like any owner of facts. */
export function catalogueSource(env: Env, slug: string): EventSource {
  return {
    async pull(limit: number): Promise<Pulled> {
      const { results } = await env.CATALOGUE.prepare(SELECT_RUN)
        .bind(slug, limit + 1, PULL_CHARACTERS_MAX)
        .all<OutboxRow>()
      const events = results.slice(0, limit).map(toEvent)
      return { events, document: null, hasMore: (results[0]?.waiting ?? 0) > events.length }
    },
    async confirm(outbox: number): Promise<void> {
      await env.CATALOGUE.prepare(DELETE_CONFIRMED).bind(slug, outbox).run()
    },
  }
}

/** Slugs of stores with an event older than `before` that the log does not have. */
export async function staleStores(env: Env, before: number, limit: number): Promise<string[]> {
  const { results } = await env.CATALOGUE.prepare(SELECT_STALE_STORES)
    .bind(before, limit)
    .all<{ store: string }>()
  return results.map(({ store }) => store)
}

function toEvent(row: OutboxRow): OutboxEvent {
  return {
    outbox: row.outbox,
    id: row.id,
    type: row.type,
    subject: row.subject,
    sequence: row.sequence,
    occurredAt: row.occurred_at,
    data: row.data,
  }
}
