import type { SSEStreamingApi } from 'hono/streaming'
import { eventOnTheWire } from './event-on-the-wire.ts'
import { type FeedQuery, readFeed } from './log-store.ts'
import { pause } from './wait-for-events.ts'

const LOOK_EVERY_MS = 500
/** 4 minutes are 480 looks, half of what one invocation may ask of D1; the client comes back by itself, with Last-Event-ID. */
const LOOKS_MAX = 480
/** A comment every 15 s keeps proxies from closing a quiet stream (HTML standard, 9.2.7). */
const HEARTBEAT_LOOKS = 30

/**
 * Writes events as they come until the client goes, the stream's time is over, or `mayGoOn` says no: the key may be
 * deleted meanwhile, and a client that reads slowly would otherwise draw the time out.
 */
export async function streamEvents(
  env: Env,
  query: FeedQuery,
  stream: SSEStreamingApi,
  mayGoOn: () => Promise<boolean>,
): Promise<void> {
  await stream.write(': holdfast\nretry: 1000\n\n')
  for (let looks = 1; looks <= LOOKS_MAX && !stream.aborted && (await mayGoOn()); looks++) {
    const page = await readFeed(env, query)
    for (const event of page.items) {
      const data = JSON.stringify(eventOnTheWire(event))
      await stream.writeSSE({ id: String(event.position), event: event.type, data })
    }
    const isIdle = page.nextAfter === query.after
    query = { ...query, after: page.nextAfter }
    if (looks % HEARTBEAT_LOOKS === 0) await stream.write(': still here\n\n')
    if (isIdle) await pause(LOOK_EVERY_MS)
  }
}
