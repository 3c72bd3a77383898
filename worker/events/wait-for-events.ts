import { type FeedPage, type FeedQuery, readFeed } from './log-store.ts'

/** Each look is one read of the primary; a watcher learns of an event a quarter of a second after its append on average less. */
export const POLL_EVERY_MS = 250

/**
 * Reads on until something matches or the time is up; `nextAfter` moves past what did not match. Counts looks, not
 * time: 30 s are 120 reads, an eighth of what one invocation may ask of D1.
 */
export async function waitForEvents(
  env: Env,
  query: FeedQuery,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<FeedPage> {
  let page = await readFeed(env, query)
  for (let looks = (waitSeconds * 1000) / POLL_EVERY_MS; looks > 0; looks--) {
    if (page.items.length > 0 || signal.aborted) break
    // While there is more to scan, no pause.
    if (page.nextAfter === query.after) await pause(POLL_EVERY_MS)
    query = { ...query, after: page.nextAfter }
    page = await readFeed(env, query)
  }
  return page
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
