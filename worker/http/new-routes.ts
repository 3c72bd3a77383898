import { OpenAPIHono } from '@hono/zod-openapi'
import type { App, AppEnv } from './app-env.ts'
import { rejectInvalid } from './validation.ts'

/** A room's routes: mounted by `app.ts`, described in /openapi.json by themselves. */
export function newRoutes(): App {
  return new OpenAPIHono<AppEnv>({ defaultHook: rejectInvalid })
}
