import { z } from '@hono/zod-openapi'

/**
 * Text that people wrote: any language, line breaks, nothing a database or a log would stumble over (NUL and other
 * control characters, halves of surrogate pairs).
 */
export function plainText(lengthMax: number, lengthMin = 1) {
  return z
    .string()
    .min(lengthMin)
    .max(lengthMax)
    .refine(
      (text) => text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text),
      'has a character that is not text',
    )
}

/** BCP 47 in its canonical spelling, so that `de-at` and `de-AT` are one. */
export const localeSchema = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$/, 'is not a locale')
  .transform((tag, context) => {
    try {
      return Intl.getCanonicalLocales(tag)[0]!
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a locale' })
      return z.NEVER
    }
  })
  .openapi({ type: 'string', example: 'de', description: 'BCP 47 language tag' })
