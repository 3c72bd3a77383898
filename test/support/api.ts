import { exports } from 'cloudflare:workers'

/** The root key of the test deployment (vitest.config.ts). */
export const ROOT_KEY = 'test-root-key-0123456789abcdef'

export interface Call {
  body?: unknown
  /** Sent as it is, in place of `body`. */
  rawBody?: BodyInit
  /** A bearer key; `ROOT_KEY` for staff routes. */
  key?: string
  store?: string
  idempotencyKey?: string
  headers?: Record<string, string>
}

export interface Answer<T> {
  status: number
  headers: Headers
  /** The parsed JSON body; null when there is none. */
  body: T
}

/** One request to the real worker, through its default entry point. */
export async function call<T = any>(method: string, path: string, options: Call = {}): Promise<Answer<T>> {
  const headers = new Headers(options.headers)
  if (options.body !== undefined && !headers.has('Content-Type'))
    headers.set('Content-Type', 'application/json')
  if (options.key) headers.set('Authorization', `Bearer ${options.key}`)
  if (options.store) headers.set('Holdfast-Store', options.store)
  if (options.idempotencyKey) headers.set('Idempotency-Key', options.idempotencyKey)
  const body = options.rawBody ?? (options.body === undefined ? null : JSON.stringify(options.body))
  const response = await exports.default.fetch(`http://localhost${path}`, { method, headers, body })
  const text = await response.text()
  const isJson = (response.headers.get('Content-Type') ?? '').includes('json')
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson && text ? JSON.parse(text) : text || null) as T,
  }
}

/** A staff request with the root key and a fresh idempotency key. */
export function staff<T = any>(
  method: string,
  path: string,
  body?: unknown,
  options: Call = {},
): Promise<Answer<T>> {
  return call<T>(method, path, { key: ROOT_KEY, idempotencyKey: crypto.randomUUID(), ...options, body })
}

/** Asks again until `isDone` or the time is up; for what arrives through the queue. */
export async function until<T>(
  ask: () => Promise<T>,
  isDone: (value: T) => boolean,
  timeoutMs = 5_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await ask()
    if (isDone(value)) return value
    if (Date.now() > deadline)
      throw new Error(`not reached within ${timeoutMs} ms; last: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
