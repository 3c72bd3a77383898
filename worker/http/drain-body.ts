import { createMiddleware } from 'hono/factory'
import { errorText, log } from '../../runtime/log.ts'
import type { AppEnv } from './app-env.ts'

/** 64 KiB, less than any route takes: a body as small as this was read to its end, or not at all. */
const SMALL_BYTES_MAX = 64 * 1024
/** 64 MiB, several times the largest body any route takes: a client that sends more may see its connection closed. */
const DRAINED_BYTES_MAX = 64 * 1024 * 1024
/** A body that does not come keeps nobody waiting for the answer longer than this. */
const DRAIN_MAX_MS = 2_000

/**
 * Reads what a refusal left unread of the request, so that the client reads the problem instead of a reset, and the next
 * answer on the same connection: workerd closes it, unannounced, after an answer that came before the end of the body,
 * however small that is. Deployed, Cloudflare's edge does this.
 */
export const drainBody = createMiddleware<AppEnv>(async (c, next) => {
  await next()
  const { body } = c.req.raw
  if (!HOLDFAST_LOCAL || !body || body.locked) return
  const declared = c.req.header('Content-Length')
  const isSmall = declared !== undefined && Number(declared) <= SMALL_BYTES_MAX
  const isRead = isSmall && c.req.raw.bodyUsed
  if (isRead || Number(declared) > DRAINED_BYTES_MAX) return
  const { promise: tooLong, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, DRAIN_MAX_MS)
  await Promise.race([drain(body), tooLong])
  clearTimeout(timer)
})

async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  let left = DRAINED_BYTES_MAX
  try {
    for await (const chunk of body) {
      left -= chunk.byteLength
      if (left < 0) return
    }
  } catch (error) {
    log('info', 'a request ended before its body', { error: errorText(error) })
  }
}
