import { DurableObject } from 'cloudflare:workers'
import { type EpochMs, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { CachePurgerRpc } from '../../schema/rpc/cache-purger.ts'
import { readLog } from './log.ts'
import { type Bucket, FULL, planPurge, refill, refilledAt } from './plan-purge.ts'
import { tagsOfEvent } from './tags-of-event.ts'

/** A second of events is one purge: the account has 5 calls a minute. */
const COALESCE_MS = 1_000
const RETRY_MS = 15_000
/** By then every catalogue answer has outlived its `max-age` and `stale-while-revalidate`: a purge would find nothing. */
const GIVE_UP_MS = 5 * 60 * 1000

/** What the purger asks of the cached entrypoint: a purge reaches only what its own entrypoint stored. */
interface Purges {
  /** False where there is no cache, or where it did not take the purge. */
  purge(tags: string[]): Promise<boolean>
}

/** Follows the log of all stores and purges the cached answers that events make stale. Harmless to run twice. */
export class CachePurger extends DurableObject<Env> implements CachePurgerRpc {
  #isArmed = false

  async poke(): Promise<void> {
    if (this.#isArmed) return
    await this.#arm(now() + COALESCE_MS)
  }

  override async alarm(): Promise<void> {
    this.#isArmed = false
    try {
      const next = await this.#purgeNext()
      if (next !== null) await this.#arm(next)
    } catch (error) {
      log('warn', 'purge failed; it comes again', { error: errorText(error) })
      await this.#arm(now() + RETRY_MS)
    }
  }

  /** One step; answers when the next one is due, null at the end of the log. The cursor moves once the purge is done. */
  async #purgeNext(): Promise<EpochMs | null> {
    const kv = this.ctx.storage.kv
    const cursor = kv.get<number>('cursor') ?? 0
    const bucket = refill(kv.get<Bucket>('bucket') ?? FULL, now())
    const { events, scannedTo, isEnd } = await readLog(this.env, cursor)
    const calls = planPurge(events.flatMap(tagsOfEvent), bucket)
    if (calls === null) return refilledAt(bucket)
    if (calls.length > 0) kv.put('bucket', { ...bucket, calls: bucket.calls - calls.length })
    if (!(await this.#purgeAll(calls)) && this.#isWorthRetrying()) return now() + RETRY_MS
    kv.delete('failingSince')
    if (scannedTo > cursor) kv.put('cursor', scannedTo)
    return isEnd ? null : now()
  }

  async #purgeAll(calls: string[][]): Promise<boolean> {
    for (const tags of calls) if (!(await this.#purge(tags))) return false
    return true
  }

  /** Until the answers have expired by themselves; after that the purger must not stay behind for ever. */
  #isWorthRetrying(): boolean {
    const failingSince = this.ctx.storage.kv.get<EpochMs>('failingSince') ?? now()
    this.ctx.storage.kv.put('failingSince', failingSince)
    return now() - failingSince < GIVE_UP_MS
  }

  async #purge(tags: string[]): Promise<boolean> {
    const { Catalogue } = this.ctx.exports as unknown as { Catalogue: Purges }
    const isPurged = await Catalogue.purge(tags)
    // Local servers have no cache, so there is nothing that could be stale.
    return isPurged || HOLDFAST_LOCAL
  }

  async #arm(at: EpochMs): Promise<void> {
    this.#isArmed = true
    await this.ctx.storage.setAlarm(at)
  }
}
