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

/** 500 events of some KB stay far below the 32 MiB of an answer and an object's 128 MB. */
export const LOG_PAGE_SIZE = 500

/**
 * One store's log from a cursor on, in order, with the data of wanted types only (delivery). From the primary, as every
 * read outside a session is: a replica may lag. Index events_by_store.
 */
const SELECT_PAGE = `select position, id, subject, sequence, type, occurred_at as occurredAt,
    iif(type in (select value from json_each(?3)), data, null) as data
  from events where store = ?1 and position > ?2 order by position limit ${LOG_PAGE_SIZE}`

/** The next events of a store's log after `cursor`; fewer than `LOG_PAGE_SIZE` means its end was reached. */
export async function readLog(
  env: Env,
  store: string,
  cursor: number,
  types: readonly EventType[],
): Promise<LogEvent[]> {
  const { results } = await env.EVENTS.prepare(SELECT_PAGE)
    .bind(store, cursor, JSON.stringify(types))
    .all<LogEvent>()
  return results
}
