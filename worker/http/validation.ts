import type { Hook } from '@hono/zod-openapi'
import type { z } from 'zod'
import type { AppEnv } from './app-env.ts'
import { type FieldError, Problem } from './problem.ts'

/** 50 field errors are enough to mend a request by; the rest would only be noise. */
const FIELD_ERRORS_MAX = 50

/** Every route's validation failure becomes one `malformed_request` problem with JSON Pointers. */
// biome-ignore lint/suspicious/noExplicitAny: the hook serves routes of every input shape
export const rejectInvalid: Hook<any, AppEnv, any, any> = (result) => {
  if (result.success) return
  throw new Problem('malformed_request', undefined, { errors: fieldErrors(result.error, result.target) })
}

export function fieldErrors(error: z.ZodError, target: string): FieldError[] {
  const root = target === 'json' ? '' : `/${target}`
  return error.issues
    .flatMap(ofTheMeantForm)
    .slice(0, FIELD_ERRORS_MAX)
    .map((issue) => ({
      path:
        root +
        issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      message: issue.message,
    }))
}

type Issue = z.core.$ZodIssue

/** What may have several forms (an address or null) says what is wrong within the form that was meant, not "Invalid input". */
function ofTheMeantForm(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const within = issue.errors.find(
    (issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0),
  )
  if (!within) return [issue]
  return within.flatMap((inner) => ofTheMeantForm({ ...inner, path: [...issue.path, ...inner.path] }))
}
