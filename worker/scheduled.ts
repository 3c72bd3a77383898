import { now } from '../runtime/clock.ts'
import { errorText, log } from '../runtime/log.ts'
import { sendNudge, staleStores } from './events/outbox-store.ts'
import { pokePurger } from './queue.ts'
import { sweepStock } from './reconcile/sweep.ts'
import { pokeAll } from './webhooks/poke-endpoints.ts'

/** A nudge that the queue has is relayed within a second or two; an event older than this has lost its nudge. */
const STALE_AFTER_MS = 5_000
/** 1,000 stores a run; the others have their turn in the next. */
const STORES_MAX = 1_000

/** The net below, every minute (every 10 s locally): whoever lost a wake-up is woken again. */
export async function runCron(env: Env): Promise<void> {
  const tasks = { outbox: nudgeStaleStores, endpoints: pokeAll, purger: pokePurger, stock: sweepStock }
  await Promise.all(
    Object.entries(tasks).map(async ([task, run]) => {
      try {
        await run(env)
      } catch (error) {
        log('error', 'a cron task failed', { task, error: errorText(error) })
      }
    }),
  )
}

/** Objects repeat their nudge by alarm; the catalogue in D1 has this. */
async function nudgeStaleStores(env: Env): Promise<void> {
  const slugs = await staleStores(env, now() - STALE_AFTER_MS, STORES_MAX)
  // The catalogue is read by slug alone, so the rest of the reference is not looked up.
  await Promise.all(slugs.map((slug) => sendNudge(env, { slug, jurisdiction: null, region: null })))
}
