import { createMiddleware } from 'hono/factory'
import { now } from '../../runtime/clock.ts'
import { newId } from '../../schema/ids.ts'
import type { AppEnv } from './app-env.ts'

/** Names the request, in the answer and in every log line about it. Added outside the cache, so no two answers share one. */
export const requestId = createMiddleware<AppEnv>(async (c, next) => {
  const startedAt = now()
  c.set('requestId', newId('request', startedAt))
  await next()
  c.res.headers.set('Request-Id', c.get('requestId'))
  if (HOLDFAST_LOCAL) c.res.headers.set('Server-Timing', `total;dur=${now() - startedAt}`)
})
