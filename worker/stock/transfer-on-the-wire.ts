import { z } from '@hono/zod-openapi'
import { toIso } from '../../runtime/clock.ts'
import { TRANSFER_LINE_STATUSES, TRANSFER_STATUSES } from '../../schema/http/transfer.ts'
import { problemSchema } from '../http/describe.ts'
import { type Figures, recorded, type Transfer, type TransferLine } from './transfer.ts'

const lineSchema = z
  .object({
    item: z.string(),
    lot: z.string(),
    quantity: z.int(),
    status: z
      .enum(TRANSFER_LINE_STATUSES)
      .openapi({ description: '`pending`: the item has not answered yet whether the goods left' }),
    inTransit: z.int(),
    received: z.int(),
    missing: z.int().openapi({ description: 'Given up for lost' }),
    problem: problemSchema.optional().openapi({ description: 'Why it was refused' }),
  })
  .openapi('TransferLine')

export const transferSchema = z
  .object({
    id: z.string().openapi({ example: 'trf_01jd9v3w5mz8q1r2t3v4w5x6y7' }),
    from: z.string(),
    to: z.string(),
    status: z.enum(TRANSFER_STATUSES).openapi({ description: '`received`: nothing is under way any more' }),
    reference: z.string().nullable(),
    note: z.string().nullable(),
    expectedAt: z.string().nullable(),
    createdAt: z.string(),
    lines: z.array(lineSchema),
  })
  .openapi('Transfer')
export type TransferOnWire = z.infer<typeof transferSchema>
type LineOnWire = TransferOnWire['lines'][number]

export const receiptVerdictSchema = z
  .object({
    item: z.string(),
    lot: z.string(),
    quantity: z.int(),
    missing: z.int(),
    status: z.enum(['received', 'refused']),
    problem: problemSchema.optional(),
  })
  .openapi('TransferReceiptLine')
export type ReceiptVerdict = z.infer<typeof receiptVerdictSchema>

/** By the record, or by live figures where they are given. */
export function transferOnTheWire(
  transfer: Transfer,
  live: ReadonlyMap<number, Figures> = new Map(),
): TransferOnWire {
  const lines = transfer.lines.map((line) => lineOnTheWire(line, live.get(line.line) ?? recorded(line)))
  const isUnderWay = lines.some(({ status }) => status === 'pending' || status === 'in_transit')
  const { id, from, to, reference, note, expectedAt, createdAt } = transfer
  return {
    id,
    from,
    to,
    status: isUnderWay ? 'in_transit' : 'received',
    reference,
    note,
    expectedAt: expectedAt === null ? null : toIso(expectedAt),
    createdAt: toIso(createdAt),
    lines,
  }
}

function lineOnTheWire(line: TransferLine, { inTransit, received, missing }: Figures): LineOnWire {
  const { item, lot, quantity, problem } = line
  const status = statusOf(line, inTransit)
  const shown = { item, lot, quantity, status, inTransit, received, missing }
  return problem === null ? shown : { ...shown, problem: problem as NonNullable<LineOnWire['problem']> }
}

function statusOf({ outcome }: TransferLine, inTransit: number): LineOnWire['status'] {
  if (outcome === null) return 'pending'
  if (outcome === 'refused') return 'refused'
  return inTransit > 0 ? 'in_transit' : 'received'
}
