import type { ApiClient } from './api-client.ts'

export interface LogEvent {
  position: number
  id: string
  type: string
  subject: string
  sequence: number
  occurredAt: string
  // biome-ignore lint/suspicious/noExplicitAny: the data of any event type
  data: any
}

/** Reads on from the last of the events already known to the end of the log, and answers all of them. */
export async function readLog(api: ApiClient, known: readonly LogEvent[] = []): Promise<LogEvent[]> {
  const events = [...known]
  for (let after: string | number = known.at(-1)?.position ?? 0; ; ) {
    const page: { items: LogEvent[]; nextAfter: string | number } = await api.must(
      'GET',
      `/v1/events?after=${after}&limit=100`,
    )
    if (page.items.length === 0) return events
    events.push(...page.items)
    after = page.nextAfter
  }
}

/** What is wrong with a log read from its beginning: subjects with a gap, a repeat or a step back; positions that do not rise. */
export function logFaults(events: readonly LogEvent[]): string[] {
  const faults: string[] = []
  const lastOf = new Map<string, number>()
  let lastPosition = 0
  for (const { subject, sequence, position } of events) {
    const last = lastOf.get(subject) ?? 0
    if (sequence !== last + 1) faults.push(`${subject}: ${sequence} came after ${last}`)
    lastOf.set(subject, sequence)
    if (Number(position) <= lastPosition) faults.push(`position ${position} came after ${lastPosition}`)
    lastPosition = Number(position)
  }
  return faults
}

/** Every item of a paged staff list. */
// biome-ignore lint/suspicious/noExplicitAny: items of any list
export async function readAll<T = any>(api: ApiClient, path: string): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const page: { items: T[]; nextCursor: string | null } = await api.must(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=100${query}`,
    )
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}
