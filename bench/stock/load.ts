import type { BenchServer } from './serve.ts'
import { type Answer, Wire } from './wire.ts'

/** The relay comes back this often; in production a nudge and the queue bring it after some 5 to 100 ms. */
const RELAY_EVERY_MS = 100

export interface Phase {
  count: number
  tookMs: number
  /** What the server's processor worked meanwhile: it does not depend on who else uses the machine. */
  processorMs: number
  /** One a request, in milliseconds. */
  latencies: number[]
}

/** A closed loop: every connection sends its next request when it has the answer to its last. */
export class Load {
  readonly #server: BenchServer
  readonly #connections: number

  constructor(server: BenchServer, connections: number) {
    this.#server = server
    this.#connections = connections
  }

  /** Sends the paths of `next` until it has no more or the time is up. Any answer but "granted" ends the bench. */
  async run(seconds: number, next: () => string | null): Promise<Phase> {
    // New ones for each run: the server closes a connection that says nothing for five seconds.
    const opening = Array.from({ length: this.#connections }, () => Wire.open(this.#server.port))
    const wires = await Promise.all(opening)
    const latencies: number[] = []
    const processorStarted = this.#server.processorMs()
    const started = performance.now()
    const deadline = started + seconds * 1_000
    await Promise.all(
      wires.map(async (wire) => {
        for (let path = next(); path !== null; path = performance.now() < deadline ? next() : null) {
          const sent = performance.now()
          granted(path, await wire.ask('POST', path))
          latencies.push(performance.now() - sent)
        }
      }),
    )
    const phase = {
      count: latencies.length,
      tookMs: performance.now() - started,
      processorMs: this.#server.processorMs() - processorStarted,
      latencies,
    }
    for (const wire of wires) wire.close()
    return phase
  }

  /** Does `work` with the relay beside it, which pulls and confirms what `changed` names, and once more at the end. */
  async withRelay<T>(changed: () => string[], work: () => Promise<T>): Promise<T> {
    let isDone = false
    const relaying = (async () => {
      while (!isDone) {
        await new Promise((resolve) => setTimeout(resolve, RELAY_EVERY_MS))
        await this.relay(changed())
      }
    })()
    try {
      return await work()
    } finally {
      isDone = true
      await relaying
      await this.relay(changed())
    }
  }

  async relay(items: string[]): Promise<void> {
    if (items.length > 0) await this.must('/relay', JSON.stringify(items))
  }

  async must(path: string, body = ''): Promise<string> {
    const wire = await Wire.open(this.#server.port)
    try {
      return granted(path, await wire.ask('POST', path, body))
    } finally {
      wire.close()
    }
  }
}

function granted(path: string, { status, body }: Answer): string {
  if (status !== 200) throw new Error(`${path} answered ${status} ${body}`)
  return body
}
