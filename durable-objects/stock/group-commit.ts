interface Waiting {
  carryOut(): void
  fail(error: unknown): void
}

/**
 * While one commit is on its way to the disk, whoever comes waits for it, and all of them go next, in one stretch without
 * an await. Each command stays a transaction of its own and may fail alone, but the platform commits together what is
 * written in one stretch and holds every answer back until that is durable: a hot item waits for its disk once for
 * some dozens of shoppers. Who comes alone waits for nobody.
 */
export class GroupCommit {
  readonly #storage: Pick<DurableObjectStorage, 'sync'>
  #isCommitting = false
  #waiting: Waiting[] = []

  constructor(storage: Pick<DurableObjectStorage, 'sync'>) {
    this.#storage = storage
  }

  /** Carries out in the order in which it was called; what `work` does before its first await is in the stretch. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isCommitting) {
      return new Promise<T>((resolve, fail) => {
        this.#waiting.push({ carryOut: () => resolve(work()), fail })
      })
    }
    this.#isCommitting = true
    try {
      return work()
    } finally {
      void this.#goOn()
    }
  }

  async #goOn(): Promise<void> {
    try {
      await this.#storage.sync()
      while (this.#waiting.length > 0) {
        for (const { carryOut } of this.#take()) carryOut()
        await this.#storage.sync()
      }
    } catch (error) {
      // The platform could not write: it starts the object anew, and nobody may be left waiting.
      for (const { fail } of this.#take()) fail(error)
    } finally {
      this.#isCommitting = false
    }
  }

  #take(): Waiting[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }
}
