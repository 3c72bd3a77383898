import { type EpochMs, now } from './clock.ts'

/** A first caller that died before it could hand on must not swallow what comes after it for longer than this. */
const LOST_AFTER_MS = 1_000

interface Gathering<T> {
  items: Map<string, T>
  begunAt: EpochMs
}

/**
 * Gathers what the callers of one isolate want sent at nearly the same moment, so that one message carries it all. The
 * first caller waits and sends for everyone; the others are done at once. Only for what may be lost: if the first caller's
 * request dies, so does what the others left with it.
 */
export class Gatherer<T> {
  readonly #waitMs: number
  readonly #itemsMax: number
  #open: Gathering<T> | null = null

  constructor(waitMs: number, itemsMax: number) {
    this.#waitMs = waitMs
    this.#itemsMax = itemsMax
  }

  /** All items to send, for the caller who is to send them; none for the others. One item a key. */
  async gather(key: string, item: T): Promise<T[]> {
    const open = this.#open
    const mayJoin = open && open.items.size < this.#itemsMax && Math.abs(now() - open.begunAt) < LOST_AFTER_MS
    if (mayJoin) {
      open.items.set(key, item)
      return []
    }
    const mine: Gathering<T> = { items: new Map([[key, item]]), begunAt: now() }
    this.#open = mine
    await scheduler.wait(this.#waitMs)
    if (this.#open === mine) this.#open = null
    return [...mine.items.values()]
  }
}
