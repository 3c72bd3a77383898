import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import type { OutboxEvent } from '../../schema/rpc/source.ts'

/** An event on its way to the log. */
export interface EventToAppend extends OutboxEvent {
  store: string
}

/** As one statement has it: `base` is its subject's first sequence there, `previous` what an earlier statement had before it. */
interface ChunkedEvent extends EventToAppend {
  base: number
  previous: string | null
}

/** An event as the log has it. */
export interface LoggedEvent {
  position: number
  id: string
  store: string
  subject: string
  sequence: number
  type: EventType
  occurredAt: number
  data: string
}

/** What the log says of an event after an append, when it is not simply there. */
export interface AppendFault {
  id: string
  /** `missing`: its predecessor is not in the log. `conflict`: another event has its number. */
  fault: 'missing' | 'conflict'
}

/** 500 KB of JSON a statement: a bound text may have 2 MB (D1 limits), and escaping can double it. */
export const CHUNK_BYTES_MAX = 500_000
/** 16 statements of 500 KB a batch keep one call below 10 MB; more are sent as further batches, in order. */
const CHUNKS_PER_BATCH_MAX = 16

/**
 * Appends a chunk in order. What the log has already is ignored (a repeat). A subject whose predecessor is not there, or
 * that has another event under one of these numbers, is left out whole: the log never has a gap and never two
 * histories. Served by events_by_subject.
 */
const APPEND = `with e as materialized (
    select key, value ->> 'id' as id, value ->> 'store' as store, value ->> 'subject' as subject,
      value ->> 'sequence' as sequence, value ->> 'type' as type, value ->> 'occurredAt' as occurred_at,
      value ->> 'data' as data, value ->> 'base' as base, value ->> 'previous' as previous
    from json_each(?1)),
  clash as materialized (
    select distinct e.store, e.subject from e join events l
      on l.store = e.store and l.subject = e.subject and l.sequence = e.sequence where l.id <> e.id)
  insert or ignore into events (id, store, subject, sequence, type, occurred_at, data)
  select id, store, subject, sequence, type, occurred_at, data from e
  where (base = 1 or exists (
      select 1 from events b where b.store = e.store and b.subject = e.subject and b.sequence = e.base - 1
        and b.id = coalesce(e.previous, b.id)))
    and (store, subject) not in (select store, subject from clash)
  order by key`

/** Proves the append: every event of it that is absent, or stands under another id. Served by events_by_subject. */
const SELECT_FAULTS = `select e.value ->> 'id' as id, iif(l.id is null, 'missing', 'conflict') as fault
  from json_each(?1) e left join events l
    on l.store = e.value ->> 'store' and l.subject = e.value ->> 'subject' and l.sequence = e.value ->> 'sequence'
  where l.id is null or l.id <> e.value ->> 'id'`

/** Reading a page of a log looks at 2,000 of the store's rows at most: some milliseconds of the one database. */
export const SCAN_MAX = 2_000

const EVENT_COLUMNS = `e.position, e.id, e.store, e.subject, e.sequence, e.type, e.occurred_at as occurredAt, e.data`

/**
 * The feed (GET /v1/events): what matches among the next SCAN_MAX events of the store, with the last position looked at,
 * which comes also when nothing matches. Index events_by_store. ?4: types as JSON; ?5: subject prefix or null.
 */
const SELECT_FEED = `with scan as materialized (
    select position, type, subject from events where store = ?1 and position > ?2 order by position limit ${SCAN_MAX}),
  hit as materialized (
    select position from scan where type in (select value from json_each(?4))
      and (?5 is null or substr(subject, 1, length(?5)) = ?5) order by position limit ?3)
  select s.scannedTo, ${EVENT_COLUMNS} from (select max(position) as scannedTo from scan) s
    left join hit on true left join events e on e.position = hit.position order by e.position`

/**
 * The feed of one subject, whose history is short where the log is long: by index events_by_subject, named because the
 * planner would rather walk the whole log of the store by position.
 */
const SELECT_FEED_OF_SUBJECT = `select h.scannedTo, ${EVENT_COLUMNS}
  from (select max(position) as scannedTo from events where store = ?1) h
  left join (select * from events indexed by events_by_subject
    where store = ?1 and subject = ?5 and position > ?2
    and type in (select value from json_each(?4)) order by sequence limit ?3) e on true
  order by e.position`

/** Some types of one subject, newest first (an item's old movements). Index events_by_subject. */
const SELECT_SUBJECT_BACKWARDS = `select sequence, data from events indexed by events_by_subject
  where store = ?1 and subject = ?2 and sequence < ?3 and type in (select value from json_each(?4))
  order by sequence desc limit ?5`

/** Head of the whole log: where a new reader starts. Served by the key. */
const SELECT_HEAD = `select coalesce(max(position), 0) as head from events`

/** Remembers a source that a person must look at. Served by the key. */
const UPSERT_PARKED = `insert into parked_sources (store, kind, key, reason, first_at, last_at, times)
  values (?1, ?2, ?3, ?4, ?5, ?5, 1)
  on conflict (store, kind, key) do update set reason = ?4, last_at = ?5, times = times + 1`

/** The status: what was set aside of one store, the last first. Served by the key; hardly any rows. */
const SELECT_PARKED = `select kind, key, reason, first_at, last_at, times from parked_sources
  where store = ? order by last_at desc limit ?`

/**
 * Appends all events, in order, and says which of them are not in the log after all. Safe to repeat. Statements of
 * one batch are one transaction; only a very large append takes more than one.
 */
export async function appendEvents(env: Env, events: readonly EventToAppend[]): Promise<AppendFault[]> {
  const chunks = chunksOf(events)
  const faults: AppendFault[] = []
  for (let first = 0; first < chunks.length; first += CHUNKS_PER_BATCH_MAX) {
    const some = chunks.slice(first, first + CHUNKS_PER_BATCH_MAX)
    const results = await env.EVENTS.batch<AppendFault>([
      ...some.map((chunk) => env.EVENTS.prepare(APPEND).bind(JSON.stringify(chunk))),
      ...some.map((chunk) => env.EVENTS.prepare(SELECT_FAULTS).bind(JSON.stringify(chunk.map(identity)))),
    ])
    faults.push(...results.slice(some.length).flatMap((result) => result.results))
  }
  return faults
}

function identity({ id, store, subject, sequence }: EventToAppend) {
  return { id, store, subject, sequence }
}

/**
 * Cuts by size in UTF-16 units, at least one event a chunk; data is mostly ASCII. A run that goes on in a further chunk
 * does so only behind its own last event: what an earlier statement left out must not be jumped over.
 */
function chunksOf(events: readonly EventToAppend[]): ChunkedEvent[][] {
  const chunks: ChunkedEvent[][] = []
  const lastIds = new Map<string, string>()
  let starts = new Map<string, Pick<ChunkedEvent, 'base' | 'previous'>>()
  let size = Number.POSITIVE_INFINITY
  for (const event of events) {
    const eventSize = event.data.length + 300
    if (size + eventSize > CHUNK_BYTES_MAX) {
      chunks.push([])
      starts = new Map()
      size = 0
    }
    const subject = `${event.store}/${event.subject}`
    const start = starts.get(subject) ?? { base: event.sequence, previous: lastIds.get(subject) ?? null }
    starts.set(subject, start)
    lastIds.set(subject, event.id)
    chunks.at(-1)!.push({ ...event, ...start })
    size += eventSize
  }
  return chunks
}

export interface FeedQuery {
  store: string
  /** Exclusive. */
  after: number
  /** Exact types, already narrowed to what the reader may see. */
  types: readonly EventType[]
  subject: { exact: string } | { prefix: string } | null
  limit: number
}

export interface FeedPage {
  items: LoggedEvent[]
  /** Where to go on: the last item, or as far as was looked when that is all there is. */
  nextAfter: number
}

export async function readFeed(env: Env, query: FeedQuery): Promise<FeedPage> {
  const { store, after, limit, types, subject } = query
  const isExact = subject !== null && 'exact' in subject
  const text = subject && ('exact' in subject ? subject.exact : subject.prefix)
  const { results } = await env.EVENTS.prepare(isExact ? SELECT_FEED_OF_SUBJECT : SELECT_FEED)
    .bind(store, after, limit, JSON.stringify(types), text)
    .all<{ scannedTo: number | null } & (LoggedEvent | { position: null })>()
  const items = results.flatMap(({ scannedTo: _, ...row }) => (row.position === null ? [] : [row]))
  const scannedTo = Math.max(after, results[0]?.scannedTo ?? 0)
  return { items, nextAfter: items.length === limit ? items.at(-1)!.position : scannedTo }
}

/** Events of one subject below `before` (exclusive; null starts at its newest), newest first. */
export async function readSubjectBackwards(
  env: Env,
  query: {
    store: string
    subject: string
    types: readonly EventType[]
    before: number | null
    limit: number
  },
): Promise<Pick<LoggedEvent, 'sequence' | 'data'>[]> {
  const { store, subject, types, before, limit } = query
  const { results } = await env.EVENTS.prepare(SELECT_SUBJECT_BACKWARDS)
    .bind(store, subject, before ?? Number.MAX_SAFE_INTEGER, JSON.stringify(types), limit)
    .all<Pick<LoggedEvent, 'sequence' | 'data'>>()
  return results
}

export async function headOfLog(env: Env): Promise<number> {
  return (await env.EVENTS.prepare(SELECT_HEAD).first<number>('head')) ?? 0
}

export async function recordParked(
  env: Env,
  source: { store: string; kind: string; key: string },
  reason: string,
  at: number,
): Promise<void> {
  await env.EVENTS.prepare(UPSERT_PARKED).bind(source.store, source.kind, source.key, reason, at).run()
}

export interface ParkedSource {
  kind: string
  key: string
  reason: string
  firstAt: EpochMs
  lastAt: EpochMs
  times: number
}

export async function parkedSources(env: Env, store: string, limit: number): Promise<ParkedSource[]> {
  const { results } = await env.EVENTS.prepare(SELECT_PARKED)
    .bind(store, limit)
    .all<Omit<ParkedSource, 'firstAt' | 'lastAt'> & { first_at: number; last_at: number }>()
  return results.map(({ first_at: firstAt, last_at: lastAt, ...source }) => ({ ...source, firstAt, lastAt }))
}
