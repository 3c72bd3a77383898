import { appendFileSync } from 'node:fs'
import type { ApiAnswer } from '../../../scripts/api-client.ts'
import { refusalOf } from './answers.ts'
import { type Arguments, type Operation, type OperationName, type Result, toLine } from './history.ts'

/** These are gone on with after a crash. Whatever else a killed server had in hand is over. */
const RECOVERED: ReadonlySet<OperationName> = new Set(['checkout', 'cancel'])

/** 409s that say nothing about whether this very request, or an earlier one under its key, takes effect. */
const STILL_RUNNING = new Set(['checkout_in_progress', 'request_in_progress'])

/** Above the 12 s that a checkout may wait for another runner's answer. */
const PATIENCE_MS = 30_000

export interface Request {
  method: string
  path: string
  body?: unknown
  /** POST only. */
  idempotencyKey?: string
  isStaff?: boolean
  /** After so many milliseconds the client goes away; the request may have been carried out. */
  patienceMs?: number
  /**
   * Whether a POST without an answer is sent once more under its key: one operation, from the first try to the last answer.
   * Asked when there was none, and after a restart.
   */
  isRepeated?: () => boolean
}

/** What a request asks of one item, and what its answer says about it. */
export interface Part {
  item: string
  args: Arguments
  /** Of a success. */
  read(answer: ApiAnswer): Result
}

/**
 * Sends real HTTP requests and writes each down as one line per item: when it left, when its answer was there, what it said.
 * It uses the plain fetch: a client that repeats a PUT by itself would make two operations look like one.
 */
export class Recorder {
  readonly #url: string
  readonly #key: string
  readonly #file: string
  readonly #originNs = process.hrtime.bigint()
  #requests = 0
  #restart: Promise<void> | null = null

  constructor(url: string, key: string, file: string) {
    this.#url = url
    this.#key = key
    this.#file = file
  }

  /** Tells that the server is killed and started again; resolves when it is up. */
  async duringRestart(restart: () => Promise<void>): Promise<void> {
    this.#restart = restart()
    await this.#restart
    this.#restart = null
  }

  async untilUp(): Promise<void> {
    await this.#restart
  }

  /** Null when the outcome is unknown. An answer that no correct client can get is an error. */
  async run(op: OperationName, parts: readonly Part[], request: Request): Promise<ApiAnswer | null> {
    const number = ++this.#requests
    const startNs = this.#nowNs()
    let answer = await this.#send(request)
    const isCut = answer === null
    const isKilled = isCut && this.#restart !== null
    if (isCut) await this.untilUp()
    const isRepeated = isCut && request.isRepeated?.() === true
    if (isRepeated) answer = await this.#send({ ...request, patienceMs: undefined })
    const nowNs = this.#nowNs()
    if (answer && !isExpected(answer.status)) {
      throw new Error(`${request.method} ${request.path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    // Under a key that was sent before, "still running" speaks of that first request.
    const ok = answer && outcomeOf(answer, op === 'checkout' || isRepeated)
    const isOver = ok !== null || (isKilled && !isRepeated && !RECOVERED.has(op))
    for (const { item, args, read } of parts) {
      const result = ok === null ? null : ok ? read(answer!) : refusalOf(answer!, item)
      this.#write({
        id: `${number}/${item}`,
        item,
        op,
        args,
        ok,
        result,
        startNs,
        endNs: isOver ? nowNs : null,
      })
    }
    return ok === null ? null : answer
  }

  async #send({
    method,
    path,
    body,
    idempotencyKey,
    isStaff,
    patienceMs,
  }: Request): Promise<ApiAnswer | null> {
    const headers = new Headers()
    if (isStaff) headers.set('Authorization', `Bearer ${this.#key}`)
    if (idempotencyKey) headers.set('Idempotency-Key', idempotencyKey)
    if (body !== undefined) headers.set('Content-Type', 'application/json')
    const request = {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(patienceMs ?? PATIENCE_MS),
    }
    const answered = await fetch(this.#url + path, request)
      .then(async (response) => ({ response, text: await response.text() }))
      // The client went away, or the server did.
      .catch(() => null)
    if (!answered) return null
    const { response, text } = answered
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null }
  }

  #write(operation: Operation): void {
    appendFileSync(this.#file, toLine(operation))
  }

  #nowNs(): number {
    return Number(process.hrtime.bigint() - this.#originNs)
  }
}

function isExpected(status: number): boolean {
  return (status >= 200 && status < 300) || [402, 409, 503].includes(status)
}

function outcomeOf({ status, body }: ApiAnswer, isDoubtful: boolean): boolean | null {
  if (status === 503 || (isDoubtful && STILL_RUNNING.has(body.code))) return null
  return status < 300
}
