import { toIso } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { Status } from '../../schema/http/status.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { parkedSources } from '../events/log-store.ts'
import type { Store } from '../stores/store.ts'
import { stuckEffects } from './stuck-store.ts'

/** A page of each is enough to start with, and bounds what one look costs. */
const SHOWN_MAX = 100

/** What waits for a person in this store. */
export async function readStatus(env: Env, store: Store): Promise<Outcome<{ status: Status }>> {
  try {
    const [stuck, parked] = await Promise.all([
      stuckEffects(env, store.ref.slug, SHOWN_MAX),
      parkedSources(env, store.ref.slug, SHOWN_MAX),
    ])
    return {
      ok: true,
      status: {
        stuckEffects: stuck.map((each) => ({ ...each, since: toIso(each.since) })),
        parkedSources: parked.map((each) => ({
          ...each,
          firstAt: toIso(each.firstAt),
          lastAt: toIso(each.lastAt),
        })),
      },
    }
  } catch (error) {
    log('error', 'the status could not be read', { store: store.ref.slug, error: errorText(error) })
    return refuse('unavailable', 'The record does not answer just now.')
  }
}
