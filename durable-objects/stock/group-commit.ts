import type { EpochMs } from '../../runtime/clock.ts'

/** 200 commands a second and more come in quick succession: about the rate at which waiting for the disk begins to count. */
const QUICK_SUCCESSION_MS = 5

/**
 * Commands that come in quick succession are carried out in one stretch without an await. Each stays a transaction of
 * its own and may fail alone, but the platform commits what is written in one stretch together, and holds every answer
 * back until that is durable: a hot item waits for its disk once for some dozens of shoppers. A command that comes
 * alone waits for nobody.
 */
export class GroupCommit {
  #waiting: (() => void)[] = []
  #lastAt: EpochMs = Number.NEGATIVE_INFINITY

  /** In the order in which they were called. */
  async run<T>(at: EpochMs, work: () => T): Promise<T> {
    const isAlone = this.#waiting.length === 0 && at - this.#lastAt >= QUICK_SUCCESSION_MS
    this.#lastAt = at
    if (isAlone) return work()
    return new Promise<T>((resolve, reject) => {
      const isFirst = this.#waiting.length === 0
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (isFirst) void this.#carryOutSoon()
    })
  }

  /** The event loop delivers what has arrived before it comes back to a timer. */
  async #carryOutSoon(): Promise<void> {
    await scheduler.wait(0)
    const waiting = this.#waiting
    this.#waiting = []
    for (const work of waiting) work()
  }
}
