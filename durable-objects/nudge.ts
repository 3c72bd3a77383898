import { errorText, log } from '../runtime/log.ts'
import type { Nudge, SourceRef } from '../schema/rpc/source.ts'

/**
 * Tells the relay "I have unconfirmed events", at most once until the relay pulls. The flag is memory only: an
 * eviction costs one nudge too many, never one too few, since the owner's alarm nudges again while anything is
 * unconfirmed. A queue that fails delays an event and loses nothing, so it is logged and not thrown.
 */
export class Nudger {
  #isOutstanding = false
  readonly #queue: Queue<Nudge>

  constructor(queue: Queue<Nudge>) {
    this.#queue = queue
  }

  /** Call after the commit, under `ctx.waitUntil`. */
  async nudge(source: SourceRef): Promise<void> {
    if (this.#isOutstanding) return
    this.#isOutstanding = true
    try {
      await this.#queue.send({ source })
    } catch (error) {
      this.#isOutstanding = false
      log('warn', 'nudge failed; the alarm repeats it', {
        kind: source.kind,
        store: source.store.slug,
        error: errorText(error),
      })
    }
  }

  /** Call first thing in `pull`, and before the alarm nudges again. */
  clear(): void {
    this.#isOutstanding = false
  }
}

/** An owner that is still unconfirmed this long after its oldest event nudges again. */
export const RENUDGE_AFTER_MS = 5_000
