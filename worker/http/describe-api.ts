import type { App } from './app-env.ts'
import { answerConditional, strongEtag } from './conditional.ts'
import { PAGE_POLICY } from './docs-look.ts'
import { type ApiDescription, docsPage, errorsPage } from './docs-page.ts'

const DESCRIPTION = `Browse, hold, order, hear of it. Stock is sold to zero and never past it.

Bodies are JSON in UTF-8, names are camelCase. Money is \`{ "amount": 1999, "currency": "EUR" }\` in integer minor units; instants are ISO 8601 in UTC. A request is for the default store, or for the one that the header \`Holdfast-Store\` or the hostname names.

Lists answer \`items\` and \`nextCursor\`, which is null at the end; send it back as \`cursor\`. \`PUT\` and \`DELETE\` may be repeated as they are, \`POST\` with the same \`Idempotency-Key\`. A refusal is \`application/problem+json\` with a \`code\`; every answer has a \`Request-Id\`.`

const AUTHENTICATION = `Routes for shoppers need no credential: the id of a cart is the right to use it, the token of an order (header \`Order-Token\`) the right to read it.

Staff and partners send an API key: \`Authorization: Bearer hf_...\`. \`POST /v1/admin/api-keys\` makes one, with the scopes it shall have, in one store; a write scope gives the read scope of the same room. The operator's root key (\`ADMIN_KEY\`) has every scope in every store. Without a valid key the answer is 401 \`unauthorized\`, without the scope 403 \`scope_missing\`.`

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Holdfast',
    version: '0.1.0',
    description: DESCRIPTION,
    license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  },
  servers: [{ url: '/' }],
  // Routes need no credential unless they say so.
  security: [],
}

/** `/openapi.json`, its rendering at `/docs`, the list of problem codes at `/docs/errors`, and `/healthz`. */
export function describe(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: AUTHENTICATION,
  })
  app.doc31('/openapi.json', DOCUMENT)
  const showDocs = shown(() => docsPage(app.getOpenAPI31Document(DOCUMENT) as unknown as ApiDescription))
  const showErrors = shown(errorsPage)
  app.get('/docs', (c) => showDocs(c.req.raw))
  app.get('/docs/errors', (c) => showErrors(c.req.raw))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
}

/** Answers with a page that is rendered by the first request for it: it changes with the code and with nothing else. */
function shown(render: () => string): (request: Request) => Promise<Response> {
  // The finished page and not its promise: an isolate must not await what another request began.
  let kept: { body: string; etag: string } | undefined
  return async (request) => {
    if (!kept) {
      const body = render()
      kept = { body, etag: await strongEtag(body) }
    }
    const headers = {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': PAGE_POLICY,
      // The same for everyone, and holds nothing of a shopper.
      'Cache-Control': 'public, max-age=300',
      ETag: kept.etag,
    }
    return answerConditional(request, new Response(kept.body, { headers }))
  }
}
