import { exports } from 'cloudflare:workers'
import type { Context } from 'hono'
import type { ProblemCode } from '../../schema/problems.ts'
import type { AppEnv } from './app-env.ts'
import { answerConditional } from './conditional.ts'
import { Problem } from './problem.ts'

/** The host is not in the cache's key, so any will do. */
const ORIGIN = 'https://catalogue.internal'

export type Parameters = Record<string, string | number | boolean | string[] | undefined>

/**
 * Asks the cached entrypoint. The request is built anew from what was understood: each segment encoded (an encoded
 * `../` reached another store when it was put in as it came), the store first, known parameters only, sorted, so
 * that one question has one key. No header of the shopper goes along, but for `Range` of an image.
 */
export function askCatalogue(
  store: string,
  segments: string[],
  parameters: Parameters = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const path = [store, ...segments].map(encodeURIComponent).join('/')
  const { Catalogue } = exports as unknown as { Catalogue: Fetcher }
  return Catalogue.fetch(new Request(`${ORIGIN}/${path}${queryOf(parameters)}`, { headers }))
}

/** The entrypoint's answer as the shopper gets it: 304 where they have it already, a problem where it refused. */
export async function replyCached(c: Context<AppEnv>, answer: Response): Promise<Response> {
  if (answer.status >= 400) throw await problemOf(answer)
  const headers = new Headers(answer.headers)
  headers.delete('Cache-Tag')
  return answerConditional(c.req.raw, new Response(answer.body, { status: answer.status, headers }))
}

export async function problemOf(answer: Response): Promise<Problem> {
  const { code, detail } = await answer.json<{ code: ProblemCode; detail?: string }>()
  const range = answer.headers.get('Content-Range')
  return new Problem(code, detail, {}, range === null ? {} : { 'Content-Range': range })
}

function queryOf(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    if (Array.isArray(value)) return [...new Set(value)].sort().map((each) => [name, each])
    return [[name, String(value)]]
  })
  pairs.sort(([a], [b]) => (a! < b! ? -1 : a! > b! ? 1 : 0))
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
