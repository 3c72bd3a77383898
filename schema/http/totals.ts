import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'

export const totalsSchema = z
  .object({
    subtotal: moneySchema,
    discount: moneySchema,
    shipping: moneySchema,
    tax: moneySchema,
    total: moneySchema,
    taxIncluded: z.boolean(),
    taxes: z.array(
      z.object({
        name: z.string(),
        rate: z.string(),
        taxable: moneySchema,
        amount: moneySchema,
        isReverseCharge: z.boolean().optional().openapi({
          description: 'True: the buyer, a business, owes this tax itself. Invoices must say so.',
        }),
      }),
    ),
  })
  .openapi('Totals')

export type Totals = z.infer<typeof totalsSchema>

/** Free text that the shop keeps with a line or an order, e.g. an engraving. 20 entries keep an order's row far below 2 MB. */
export const propertiesSchema = z
  .record(z.string().min(1).max(40), z.string().max(500))
  .refine((entries) => Object.keys(entries).length <= 20, 'has more than 20 entries')
