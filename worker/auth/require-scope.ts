import { createMiddleware } from 'hono/factory'
import type { Scope } from '../../schema/event-types.ts'
import type { AppEnv } from '../http/app-env.ts'
import { Problem } from '../http/problem.ts'
import { authenticate } from './authenticate.ts'
import { mayUse } from './credential.ts'

/** 401 without a valid key for the request's store, 403 when the key lacks the scope. */
export const requireScope = (scope: Scope) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const credential = await authenticate(c.env, c.get('store').ref.slug, c.req.header('Authorization'))
    if (!credential) throw new Problem('unauthorized')
    if (!mayUse(credential, scope)) throw new Problem('scope_missing', `This needs the scope ${scope}.`)
    c.set('credential', credential)
    await next()
  })

/** For what only the holder of `ADMIN_KEY` may do. */
export const requireRoot = createMiddleware<AppEnv>(async (c, next) => {
  const credential = await authenticate(c.env, c.get('store').ref.slug, c.req.header('Authorization'))
  if (!credential) throw new Problem('unauthorized')
  if (!credential.isRoot) throw new Problem('scope_missing', 'This needs the root key.')
  c.set('credential', credential)
  await next()
})
