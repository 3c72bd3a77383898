import { z } from '@hono/zod-openapi'
import { handleSchema, skuSchema } from '../quantity.ts'
import { instant, lot, note, reference, units } from './stock.ts'

/** 100 lines in one transfer: each is a call to an object, several times over its life. */
export const TRANSFER_LINES_MAX = 100

const goods = { item: skuSchema, lot: lot.default('') }

export const newTransferSchema = z
  .strictObject({
    from: handleSchema,
    to: handleSchema,
    lines: z
      .array(z.strictObject({ ...goods, quantity: units.min(1) }))
      .min(1)
      .max(TRANSFER_LINES_MAX)
      .superRefine(rejectRepeats)
      .openapi({ description: 'Each item and lot once' }),
    reference: reference.optional(),
    note: note.optional(),
    expectedAt: instant
      .nullable()
      .default(null)
      .openapi({ description: 'When the goods are expected there' }),
  })
  .refine(({ from, to }) => from !== to, {
    path: ['to'],
    message: 'is the location that the goods come from',
  })
  .openapi('NewTransfer')
export type NewTransfer = z.infer<typeof newTransferSchema>

export const newReceiptSchema = z
  .strictObject({
    lines: z
      .array(
        z
          .strictObject({
            ...goods,
            quantity: units.openapi({ description: 'What has come' }),
            missing: units.default(0).openapi({ description: 'What will not come: given up for lost' }),
          })
          .refine(
            ({ quantity, missing }) => quantity + missing > 0,
            'says that nothing came and nothing is missing',
          ),
      )
      .min(1)
      .max(TRANSFER_LINES_MAX)
      .superRefine(rejectRepeats)
      .openapi({ description: 'Each item and lot once' }),
    note: note.optional(),
  })
  .openapi('NewTransferReceipt')
export type NewReceipt = z.infer<typeof newReceiptSchema>

function rejectRepeats(
  lines: readonly { item: string; lot: string }[],
  context: { addIssue(issue: { code: 'custom'; path: number[]; message: string }): void },
): void {
  const seen = new Set<string>()
  for (const [index, { item, lot: ofLot }] of lines.entries()) {
    const goodsName = JSON.stringify([item, ofLot])
    if (seen.has(goodsName)) context.addIssue({ code: 'custom', path: [index], message: 'is named twice' })
    seen.add(goodsName)
  }
}

/** `pending`: the item did not answer yet whether the goods left. */
export const TRANSFER_LINE_STATUSES = ['pending', 'in_transit', 'received', 'refused'] as const
/** `received`: nothing is under way any more. */
export const TRANSFER_STATUSES = ['in_transit', 'received'] as const
export type TransferStatus = (typeof TRANSFER_STATUSES)[number]
