import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { CART_LINES_MAX, handleSchema, LINE_QUANTITY_MAX } from '../quantity.ts'
import { DISPOSITIONS } from '../rpc/stock.ts'
import { trackingSchema } from './order.ts'
import { plainText } from './plain-text.ts'
import { propertiesSchema } from './totals.ts'

// The bodies of the order commands. What the order's state allows is the order's to say (409), not the body's.

const lineId = z.string().regex(/^line_[1-9][0-9]{0,4}$/, 'is not the id of a line')
const units = z.int().min(1).max(LINE_QUANTITY_MAX)
const lineUnits = z.strictObject({ lineId, quantity: units })
const reason = plainText(200).optional()

/** Each line once: the units of one line are one figure. */
function eachOnce<T extends z.ZodType<{ lineId: string }>>(line: T) {
  return z
    .array(line)
    .min(1)
    .max(CART_LINES_MAX)
    .refine((lines) => new Set(lines.map(({ lineId }) => lineId)).size === lines.length, 'names a line twice')
}

/** Of a command that needs no saying how. */
export const nothingSchema = z.strictObject({})

export const fulfillmentBodySchema = z
  .strictObject({
    lines: eachOnce(lineUnits).optional().openapi({ description: 'Absent: all that is left.' }),
    location: handleSchema
      .optional()
      .openapi({ description: 'Absent: from wherever the units were promised.' }),
    tracking: trackingSchema.optional(),
  })
  .openapi('NewFulfillment')

export const cancellationSchema = z
  .strictObject({
    reason,
    lines: eachOnce(lineUnits).optional().openapi({ description: 'Absent: all that was not shipped.' }),
  })
  .openapi('Cancellation')

export const refundBodySchema = z
  .strictObject({
    amount: moneySchema.refine(({ amount }) => amount > 0, 'is nothing').optional(),
    lines: eachOnce(lineUnits).optional(),
    reason,
  })
  .refine(({ amount, lines }) => !amount || !lines, 'has an amount and lines; one of them says how much')
  .openapi('NewRefund', { description: 'Without amount and lines: all that is left.' })

const receivedLine = z.strictObject({
  lineId,
  quantity: units,
  disposition: z.enum(DISPOSITIONS),
  location: handleSchema
    .optional()
    .openapi({ description: 'Where the goods are now. Absent: the location that gives first.' }),
})

export const returnBodySchema = z
  .strictObject({
    lines: eachOnce(
      z.strictObject({
        lineId,
        quantity: units,
        reason,
        disposition: receivedLine.shape.disposition.optional(),
        location: receivedLine.shape.location,
      }),
    ),
    refund: z.boolean().default(true),
  })
  .refine(
    ({ lines }) =>
      lines.every(({ disposition }) => disposition) || !lines.some(({ disposition }) => disposition),
    'has a disposition on some lines only; with one on each, the goods are there already',
  )
  .refine(
    ({ lines }) => lines.every(({ disposition, location }) => disposition || !location),
    'has a location for goods that are not there yet',
  )
  .openapi('NewReturn')

export const receiptBodySchema = z
  .strictObject({
    lines: z
      .array(receivedLine)
      .max(2 * CART_LINES_MAX)
      .openapi({
        description: 'What came; a line once for each disposition and location. None: nothing came.',
      }),
  })
  .openapi('ReturnReceipt')

export const orderPatchSchema = z
  .strictObject({
    note: plainText(2_000).nullable().optional(),
    metadata: propertiesSchema.optional(),
  })
  .openapi('OrderPatch')
