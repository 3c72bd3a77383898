import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Credential } from '../auth/credential.ts'
import type { Store } from '../stores/store.ts'

/** What middleware puts beside a request. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    requestId: string
    /** The store that the request is for (resolve-store). */
    store: Store
    /** Set by require-scope; absent on shopper routes. */
    credential: Credential
  }
}

export type App = OpenAPIHono<AppEnv>
