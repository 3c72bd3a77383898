import { z } from '@hono/zod-openapi'
import { parseOrderId } from '../ids.ts'
import { QUANTITY_MAX } from '../quantity.ts'
import { note } from './stock.ts'

/** What is wrong, as answers and `stock.drift_detected` show it. */
export const driftSchema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('counter'),
      counter: z.enum(['onHand', 'reserved', 'allocated']),
      where: z.string().openapi({
        description:
          'The location, with `/` and the lot if it has one; `beyond hand` for what was promised without goods',
        example: 'main/LOT-7',
      }),
      found: z.int().openapi({ description: 'What the counter says' }),
      expected: z.int().openapi({ description: 'What it adds up to' }),
      by: z.enum(['ledger', 'reservations']).openapi({ description: 'What was added up' }),
    }),
    z.object({
      kind: z.enum(['allocation_without_order', 'order_without_allocation']),
      orderId: z.string(),
      found: z.int().openapi({ description: 'Units that the item has allocated for the order' }),
      expected: z.int().openapi({ description: 'Units that the order says it has of the item' }),
    }),
    z.object({
      kind: z.literal('record'),
      field: z.string().openapi({
        description:
          'Of the row in the consolidated list; it has been repaired, unless the item itself is gone',
      }),
      found: z.string(),
      expected: z.string(),
    }),
  ])
  .openapi('StockDrift')

const count = (description: string) => z.int().openapi({ description })

export const auditSchema = z
  .object({
    item: z.string(),
    checkedAt: z.string(),
    sequence: z.int().nullable().openapi({
      description: 'Of the last event that the counters were recomputed from; null on further pages',
    }),
    isSound: z.boolean().openapi({ description: 'Nothing on this page was found wrong or stayed unchecked' }),
    drifts: z.array(driftSchema),
    orders: z
      .object({
        compared: count('Orders that were compared with what the item has allocated'),
        inFlight: count('Excepted: their purchases were just changing'),
        unchecked: count('Their purchases did not answer; the next audit asks again'),
        repaired: count('What was recorded of them was wrong, and has been written again'),
      })
      .openapi({ description: 'Of this page' }),
    record: z
      .object({
        isBehind: z.boolean().openapi({ description: 'Changes are on their way to it' }),
        isRepaired: z.boolean(),
      })
      .nullable()
      .openapi({ description: 'The row in the consolidated list; null on further pages' }),
    nextCursor: z.string().nullable().openapi({ description: 'Of further orders' }),
  })
  .openapi('StockAudit')
export type ItemAudit = z.infer<typeof auditSchema>

export const newDeallocationSchema = z
  .strictObject({
    orderId: z
      .string()
      .max(40)
      .refine((id) => parseOrderId(id) !== null, 'is not the id of an order')
      .openapi({ example: `ord_${'0'.repeat(28)}` }),
    quantity: z.int().min(1).max(QUANTITY_MAX),
    note: note.optional(),
  })
  .openapi('NewStockDeallocation')
export type NewDeallocation = z.infer<typeof newDeallocationSchema>
