import { toIso } from '../../runtime/clock.ts'
import type { LogEvent } from './log.ts'

/** What the partner receives, as text: signed and sent as it is, the same bytes on every attempt. */
export function deliveryBody(store: string, event: LogEvent & { data: string }): string {
  const { type, occurredAt, data, id, subject, sequence, position } = event
  const after = JSON.stringify({ id, store, subject, sequence, position })
  // `data` is JSON text already; parsing a large order only to print it again would be the object's main work.
  return `{"type":${JSON.stringify(type)},"timestamp":"${toIso(occurredAt)}","data":${data},${after.slice(1)}`
}
