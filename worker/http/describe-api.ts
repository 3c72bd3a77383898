import { Scalar } from '@scalar/hono-api-reference'
import { PROBLEMS } from '../../schema/problems.ts'
import type { App } from './app-env.ts'

/** `/openapi.json`, its rendering at `/docs`, the list of problem codes at `/docs/errors`, and `/healthz`. */
export function describe(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '0.1.0',
      description: 'Browse, hold, order, hear of it. Stock is sold to zero and never past it.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/' }],
    // Routes need no credential unless they say so.
    security: [],
  })
  app.get('/docs', Scalar({ url: '/openapi.json', pageTitle: 'Holdfast API' }))
  app.get('/docs/errors', (c) => c.html(errorsPage()))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
}

function errorsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, next }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${next}</td></tr>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Holdfast: problem codes</title>
<style>body{font:16px/1.5 system-ui;max-width:70rem;margin:2rem auto;padding:0 1rem}td,th{padding:.3rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}:target{background:#ffd}</style>
<h1>Problem codes</h1><table><tr><th>code</th><th>status</th><th>what</th><th>what to do next</th></tr>${rows.join('')}</table></html>`
}
