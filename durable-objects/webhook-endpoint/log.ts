import type { EventType } from '../../schema/event-types.ts'

/** An event as this reader takes it from the log. */
export interface LogEvent {
  position: number
  id: string
  subject: string
  sequence: number
  type: EventType
  occurredAt: number
  /** JSON text; null for a type that the endpoint did not ask for. */
  data: string | null
}

/** Written down in one transaction, which is short. */
const PAGE_ROWS_MAX = 500
/** 4 MB of event data in one answer: an event may have some 300 KB, and 500 of those are more than an object's 128 MB. */
const PAGE_CHARACTERS_MAX = 4_000_000

/**
 * One store's log from a cursor on, in order, with the data of wanted types only, as much as fits; the first always comes,
 * or the reader would never move on (delivery). From the primary, as every read outside a session is: a replica may lag.
 * Index events_by_store.
 */
const SELECT_PAGE = `select * from (
    select *, count(*) over () as waiting,
      coalesce(sum(length(data)) over (order by position), 0) - coalesce(length(data), 0) as charactersBefore
    from (
      select position, id, subject, sequence, type, occurred_at as occurredAt,
        iif(type in (select value from json_each(?3)), data, null) as data
      from events where store = ?1 and position > ?2 order by position limit ?4))
  where charactersBefore < ?5 order by position`

/** The next events of a store's log after `cursor`, and whether there may be more behind them. */
export async function readLog(
  env: Env,
  store: string,
  cursor: number,
  types: readonly EventType[],
): Promise<{ events: LogEvent[]; hasMore: boolean }> {
  const { results } = await env.EVENTS.prepare(SELECT_PAGE)
    .bind(store, cursor, JSON.stringify(types), PAGE_ROWS_MAX, PAGE_CHARACTERS_MAX)
    .all<LogEvent & { waiting: number }>()
  const waiting = results[0]?.waiting ?? 0
  return { events: results, hasMore: waiting === PAGE_ROWS_MAX || waiting > results.length }
}
