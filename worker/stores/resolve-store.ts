import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../http/app-env.ts'
import { Problem } from '../http/problem.ts'
import { loadStore, slugOfHostname } from './load-store.ts'

export const DEFAULT_STORE = 'default'

/** `Holdfast-Store` first, then the hostname, then the default store. Answers say that they vary by the header. */
export const resolveStore = createMiddleware<AppEnv>(async (c, next) => {
  const named = c.req.header('Holdfast-Store')
  const slug = named ?? (await slugOfHostname(c.env, new URL(c.req.url).hostname)) ?? DEFAULT_STORE
  const store = await loadStore(c.env, slug)
  if (!store) throw new Problem('store_not_found')
  c.set('store', store)
  await next()
  c.res.headers.append('Vary', 'Holdfast-Store')
})
