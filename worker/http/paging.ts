import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppEnv } from './app-env.ts'
import { Problem } from './problem.ts'

export const PAGE_LIMIT_DEFAULT = 20
export const PAGE_LIMIT_MAX = 100

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  cursor: z.string().max(500).optional(),
}

/** `{ items, nextCursor }`, the one shape of every list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

/** A cursor is the sort key of the last row, opaque to clients: it stays right when rows arrive or tie. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(key))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

/** The sort key back, or `cursor_invalid`. `types` says what each part must be. */
export function decodeCursor<T extends readonly ('string' | 'number')[]>(
  cursor: string,
  types: T,
): { [K in keyof T]: T[K] extends 'string' ? string : number } {
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    )
    const key: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (
      Array.isArray(key) &&
      key.length === types.length &&
      types.every((type, i) => typeof key[i] === type)
    ) {
      return key as { [K in keyof T]: T[K] extends 'string' ? string : number }
    }
  } catch {
    // falls through to the refusal
  }
  throw new Problem('cursor_invalid')
}

/** Adds `Link: <...>; rel="next"` (RFC 8288) beside `nextCursor`. */
export function linkNext(c: Context<AppEnv>, nextCursor: string | null): void {
  if (nextCursor === null) return
  const url = new URL(c.req.url)
  url.searchParams.set('cursor', nextCursor)
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`)
}
