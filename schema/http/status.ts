import { z } from '@hono/zod-openapi'

/** What a person should look at. Empty lists: nothing. */
export const statusSchema = z
  .object({
    stuckEffects: z
      .array(
        z.object({
          orderId: z.string(),
          effect: z.string(),
          what: z.string().openapi({
            description:
              'capture, undo, refund: the payment provider does not do it. fulfill, return: a stock item does not take it.',
          }),
          since: z.string(),
        }),
      )
      .openapi({ description: 'Tried ten times and more without success; the tries go on. At most 100.' }),
    parkedSources: z
      .array(
        z.object({
          kind: z.string(),
          key: z.string(),
          reason: z.string(),
          firstAt: z.string(),
          lastAt: z.string(),
          times: z.int(),
        }),
      )
      .openapi({ description: 'Whose events contradicted the log, the last first. At most 100.' }),
  })
  .openapi('Status')

export type Status = z.infer<typeof statusSchema>
