import { randomUUID } from 'node:crypto'

/** One HTTP answer of a Holdfast server, as scripts, benches and tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: callers read answers field by field
export interface ApiAnswer<T = any> {
  status: number
  headers: Headers
  /** The parsed JSON; text when it is not JSON; null when there is none. */
  body: T
}

export interface ApiCall {
  body?: unknown
  /** Sent as it is in place of `body`. */
  bytes?: Uint8Array
  contentType?: string
  idempotencyKey?: string
  headers?: Record<string, string>
  /** False sends no credential although the client has one. */
  asStaff?: boolean
  /** After so many milliseconds the request is given up; it may have been carried out. */
  timeoutMs?: number
}

export class ApiClient {
  readonly url: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.url = url.replace(/\/$/, '').replace('//localhost', '//127.0.0.1')
    this.#key = key
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async call<T = any>(method: string, path: string, options: ApiCall = {}): Promise<ApiAnswer<T>> {
    const headers = new Headers(options.headers)
    if (options.asStaff !== false) headers.set('Authorization', `Bearer ${this.#key}`)
    if (options.idempotencyKey) headers.set('Idempotency-Key', options.idempotencyKey)
    const hasBody = options.body !== undefined || options.bytes !== undefined
    if (hasBody) headers.set('Content-Type', options.contentType ?? 'application/json')
    const ask = () =>
      fetch(this.url + path, {
        method,
        headers,
        body:
          (options.bytes as BodyInit) ?? (options.body === undefined ? null : JSON.stringify(options.body)),
        signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
      })
    // A server closes a connection that was idle for 5 s; a request sent at that moment is reset. Asking twice is safe here.
    const isRepeatable = method !== 'POST' || options.idempotencyKey !== undefined
    const response = await ask().catch((error) => {
      if (isRepeatable && error.cause?.code === 'ECONNRESET') return ask()
      throw error
    })
    const text = await response.text()
    const isJson = (response.headers.get('Content-Type') ?? '').includes('json')
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text ? JSON.parse(text) : text || null) as T,
    }
  }

  /** As `call`, with a fresh idempotency key, and an error that shows the answer unless it is a success. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async must<T = any>(method: string, path: string, options: ApiCall = {}): Promise<T> {
    const idempotencyKey = options.idempotencyKey ?? (method === 'POST' ? randomUUID() : undefined)
    const answer = await this.call<T>(method, path, { ...options, idempotencyKey })
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw new Error(
      `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 600)}`,
    )
  }

  /** As `call` without the credential: what a shopper sends. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  shop<T = any>(method: string, path: string, options: ApiCall = {}): Promise<ApiAnswer<T>> {
    return this.call<T>(method, path, { ...options, asStaff: false })
  }
}

/** Runs `work` over all items, so many at a time; the first error ends it. */
export async function eachOf<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const runner = async () => {
    while (next < items.length) {
      const index = next++
      await work(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, runner))
}
