import { z } from '@hono/zod-openapi'
import { type EventType, matchesFilter, type Scope, visibleTypes } from '../../schema/event-types.ts'
import type { FeedQuery } from './log-store.ts'

/** Longest subject: `item:` and an item of 64 characters, each up to 2 code units; ids are shorter. */
const SUBJECT_LENGTH_MAX = 200

export const typeFilterSchema = z
  .string()
  .max(100)
  .regex(/^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$/, 'is not a type, `prefix.*` or `*`')
  .openapi({ example: 'order.*', description: 'A type, `prefix.*` or `*`' })

export const subjectFilterSchema = z
  .string()
  .max(SUBJECT_LENGTH_MAX)
  .regex(/^(\*|[a-z_]+:(\*|[^\p{C}]*[^\p{C}*]))$/u, 'is not a subject, `prefix:*` or `*`')
  .openapi({
    pattern: '^(\\*|[a-z_]+:(\\*|[^\\p{C}]*[^\\p{C}*]))$',
    example: 'item:TEE-BLACK-M',
    description: 'A subject, `prefix:*` or `*`',
  })

/** The types a reader asked for and may see. */
export function typesToRead(filter: string | undefined, scopes: readonly Scope[]): EventType[] {
  return visibleTypes(scopes).filter((type) => matchesFilter(filter ?? '*', type))
}

export function subjectToRead(filter: string | undefined): FeedQuery['subject'] {
  if (filter === undefined || filter === '*') return null
  return filter.endsWith('*') ? { prefix: filter.slice(0, -1) } : { exact: filter }
}
