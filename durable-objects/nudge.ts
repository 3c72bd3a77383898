import { Gatherer } from '../runtime/gatherer.ts'
import { errorText, log } from '../runtime/log.ts'
import {
  NUDGE_SOURCES_MAX,
  NUDGE_WAIT_MS,
  type Nudge,
  type SourceRef,
  sourceName,
} from '../schema/rpc/source.ts'

interface Waiting {
  source: SourceRef
  /** Tells its owner that the nudge did not go out. */
  onFailure: () => void
}

/** Shared by the objects of an isolate: an order of 25 items is one message and not 26. */
const waiting = new Gatherer<Waiting>(NUDGE_WAIT_MS, NUDGE_SOURCES_MAX)

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

  /** While true, `nudge` has nothing to do: the relay is on its way. */
  get isOutstanding(): boolean {
    return this.#isOutstanding
  }

  /** Call after the commit, under `ctx.waitUntil`. */
  async nudge(source: SourceRef): Promise<void> {
    if (this.#isOutstanding) return
    this.#isOutstanding = true
    const gathered = await waiting.gather(sourceName(source), { source, onFailure: () => this.clear() })
    if (gathered.length > 0) await this.#send(gathered)
  }

  async #send(gathered: readonly Waiting[]): Promise<void> {
    try {
      await this.#queue.send({ sources: gathered.map(({ source }) => source) })
    } catch (error) {
      for (const { onFailure } of gathered) onFailure()
      log('warn', 'nudge failed; alarms repeat it', { sources: gathered.length, error: errorText(error) })
    }
  }

  /** Call first thing in `pull`, and before the alarm nudges again. */
  clear(): void {
    this.#isOutstanding = false
  }
}

/** An owner that is still unconfirmed this long after its oldest event nudges again. */
export const RENUDGE_AFTER_MS = 5_000
