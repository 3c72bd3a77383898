import { createMiddleware } from 'hono/factory'
import type { AppEnv } from './app-env.ts'

/** What does not say otherwise is not stored anywhere: the platform caches a 200 without Cache-Control for two hours. */
export const noStoreByDefault = createMiddleware<AppEnv>(async (c, next) => {
  await next()
  if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
})
