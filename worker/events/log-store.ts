import type { EventType } from '../../schema/event-types.ts'
import type { OutboxEvent } from '../../schema/rpc/source.ts'

/** An event on its way to the log. `base` is the first sequence of its subject's run in this append. */
export interface EventToAppend extends OutboxEvent {
  store: string
  base: number
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
      value ->> 'data' as data, value ->> 'base' as base
    from json_each(?1)),
  clash as materialized (
    select distinct e.store, e.subject from e join events l
      on l.store = e.store and l.subject = e.subject and l.sequence = e.sequence where l.id <> e.id)
  insert or ignore into events (id, store, subject, sequence, type, occurred_at, data)
  select id, store, subject, sequence, type, occurred_at, data from e
  where (base = 1 or exists (
      select 1 from events b where b.store = e.store and b.subject = e.subject and b.sequence = e.base - 1))
    and (store, subject) not in (select store, subject from clash)
  order by key`

/** Proves the append: every event of it that is absent, or stands under another id. Served by events_by_subject. */
const SELECT_FAULTS = `select e.value ->> 'id' as id, iif(l.id is null, 'missing', 'conflict') as fault
  from json_each(?1) e left join events l
    on l.store = e.value ->> 'store' and l.subject = e.value ->> 'subject' and l.sequence = e.value ->> 'sequence'
  where l.id is null or l.id <> e.value ->> 'id'`

/** Head of the whole log: where a new reader starts. Served by the key. */
const SELECT_HEAD = `select coalesce(max(position), 0) as head from events`

/** Remembers a source that a person must look at. Served by the key. */
const UPSERT_PARKED = `insert into parked_sources (store, kind, key, reason, first_at, last_at, times)
  values (?1, ?2, ?3, ?4, ?5, ?5, 1)
  on conflict (store, kind, key) do update set reason = ?4, last_at = ?5, times = times + 1`

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

/** Cuts by size in UTF-16 units, at least one event a chunk; data is mostly ASCII. */
function chunksOf(events: readonly EventToAppend[]): EventToAppend[][] {
  const chunks: EventToAppend[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const event of events) {
    const eventSize = event.data.length + 300
    if (size + eventSize > CHUNK_BYTES_MAX) {
      chunks.push([])
      size = 0
    }
    chunks.at(-1)!.push(event)
    size += eventSize
  }
  return chunks
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
