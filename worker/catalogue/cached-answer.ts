import { PROBLEMS, type ProblemCode } from '../../schema/problems.ts'
import { strongEtag } from '../http/conditional.ts'

/** Workers Cache takes 1,000 tags an answer; the rest is left to `max-age`. */
const TAGS_MAX = 900

/** Catalogue answers: a purge makes them fresh, and where it does not come, 5 seconds do. */
export const CATALOGUE_CACHING = 'public, max-age=5, stale-while-revalidate=60'
/** A live number is at most one second old; `must-revalidate` forbids serving it stale. */
export const LIVE_CACHING = 'public, max-age=1, must-revalidate'

/** A 200 that the Workers Cache may keep. Tags: `{store}` first, which every answer of a store carries. */
export async function cacheable(value: unknown, caching: string, tags: string[]): Promise<Response> {
  const body = JSON.stringify(value)
  return new Response(body, {
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': caching,
      'Cache-Tag': [...new Set(tags)].slice(0, TAGS_MAX).join(','),
      ETag: await strongEtag(body),
    },
  })
}

/** A problem for the gateway, which gives it the request's id. Never kept. */
export function uncacheable(code: ProblemCode, detail?: string): Response {
  return Response.json(
    { code, detail },
    { status: PROBLEMS[code].status, headers: { 'Cache-Control': 'no-store' } },
  )
}

export const tags = {
  store: (store: string) => store,
  products: (store: string) => `${store}:products`,
  categories: (store: string) => `${store}:categories`,
  product: (store: string, handle: string) => `${store}:product:${handle}`,
  /** Encoded: an item may have spaces and commas, which a tag may not. */
  item: (store: string, item: string) => `${store}:item:${encodeURIComponent(item)}`,
}
