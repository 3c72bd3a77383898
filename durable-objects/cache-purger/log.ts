import type { EventType } from '../../schema/event-types.ts'

/** 20,000 events a look: with 5 purges a minute the purger keeps up with more than 1,500 events a second. */
export const SCAN_MAX = 20_000

/** What makes cached answers stale among the next events of all stores (purge). Range of the key. */
const SELECT_NEXT = `select position, store, type, subject from events
  where position > ?1 and position <= ?1 + ${SCAN_MAX}
    and (type in ('price.changed', 'stock.availability_changed') or type like 'product.%')
  order by position`
/** How far the log reaches. The end of the key. */
const SELECT_HEAD = `select coalesce(max(position), 0) as position from events`

export interface StaleEvent {
  position: number
  store: string
  type: EventType
  subject: string
}

/** The events that matter after `cursor`, and the position up to which was looked. */
export async function readLog(
  env: Env,
  cursor: number,
): Promise<{ events: StaleEvent[]; scannedTo: number; isEnd: boolean }> {
  const [head, page] = await env.EVENTS.batch<StaleEvent>([
    env.EVENTS.prepare(SELECT_HEAD),
    env.EVENTS.prepare(SELECT_NEXT).bind(cursor),
  ])
  const end = head!.results[0]!.position
  const scannedTo = Math.max(cursor, Math.min(end, cursor + SCAN_MAX))
  return { events: page!.results, scannedTo, isEnd: scannedTo >= end }
}
