import { z } from '@hono/zod-openapi'

/** Not `nullable()`: of a named schema that would be described as an object that is null at once, which nothing can be. */
export function orNull<T extends z.ZodType>(schema: T) {
  return z.union([schema, z.null()])
}
