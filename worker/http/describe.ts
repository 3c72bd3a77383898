import { z } from '@hono/zod-openapi'
import type { Scope } from '../../schema/event-types.ts'
import { PROBLEMS, type ProblemCode } from '../../schema/problems.ts'

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')

/** The `responses` entries of a route's problems, one for each status, naming its codes. */
export function problems(...codes: ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) {
    const { status } = PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      { description: list.join(', '), content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  )
}

/** A JSON answer of a route. */
export function json<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } }
}

/** A JSON body that must be there. Goes with `middleware: [jsonBody(true)]`. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } }
}

/** The `security` of a staff route: a bearer key with this scope, or the root key (OpenAPI 3.1 lets roles stand here). */
export function bearer(scope: Scope | 'root') {
  return [{ bearer: [scope] }]
}

export const idempotencyHeader = {
  required: z.object({
    'idempotency-key': z
      .string()
      .optional()
      // Optional to the validator only: the route answers its absence with a code of its own.
      .openapi({
        param: { required: true },
        description: 'Same key and body: same answer, for 7 days.',
      }),
  }),
  optional: z.object({
    'idempotency-key': z
      .string()
      .optional()
      .openapi({ description: 'Optional. Same key and body: same answer, for 7 days.' }),
  }),
}
