import type { HonoRequest } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from './app-env.ts'
import { Problem } from './problem.ts'

/** 1 MiB: a cart of 1,000 lines or a product of 250 variants is below half of it. Routes for files set their own. */
export const JSON_BODY_BYTES_MAX = 1024 * 1024

/**
 * Reads the body of a JSON route once, bounded, before validation sees it. A route that takes a body answers
 * 415 for another type, 413 above the limit and 400 for text that is not JSON. Stands in a route's `middleware`, after
 * `requireScope`.
 */
export const jsonBody = (isRequired: boolean, limitBytes = JSON_BODY_BYTES_MAX) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const text = decode(await readBounded(c.req.raw, limitBytes))
    const isAbsent = text.length === 0 && !isRequired
    const type = (c.req.header('Content-Type') ?? '').split(';')[0]!.trim().toLowerCase()
    const isJson = type === 'application/json' || type.endsWith('+json')
    if (!isJson && !(isAbsent && type === '')) {
      throw new Problem('unsupported_media_type', 'Send the body as application/json.')
    }
    // The text of an absent body stays empty: with `Content-Length: 0` the router looks whether an untyped body has bytes.
    cacheBody(c.req, text, isAbsent ? {} : parse(text))
    await next()
  })

/** Validators and handlers read the body through hono's cache, which holds promises whatever its type says. */
function cacheBody(request: HonoRequest, text: string, value: unknown): void {
  Object.assign(request.bodyCache, { text: Promise.resolve(text), json: Promise.resolve(value) })
}

/** Bytes that are no UTF-8 are refused: replaced by U+FFFD they would be kept as a name that nobody sent. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new Problem('malformed_json', 'The body is not UTF-8.')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem('malformed_json')
  }
}

/** The whole body, or `body_too_large` as soon as it shows; a lying Content-Length does not help. */
export async function readBounded(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new Problem('body_too_large', `The limit here is ${limitBytes} bytes.`, { limitBytes })
  if (Number(request.headers.get('Content-Length') ?? 0) > limitBytes) throw tooLarge()
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  // Not cancelled: `drainBody` reads the rest.
  for await (const chunk of (request.body as ReadableStream<Uint8Array>).values({ preventCancel: true })) {
    size += chunk.byteLength
    if (size > limitBytes) throw tooLarge()
    chunks.push(chunk)
  }
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}
