import type { EpochMs } from '../../runtime/clock.ts'
import type { TransferStatus } from '../../schema/http/transfer.ts'

/** A transfer as D1 has it. The goods themselves are with the items' objects: in transit is what they say. */
export interface Transfer {
  id: string
  from: string
  to: string
  reference: string | null
  note: string | null
  expectedAt: EpochMs | null
  status: TransferStatus
  createdAt: EpochMs
  lines: TransferLine[]
}

export interface TransferLine {
  /** 0, 1, 2, ... in the order of the request. */
  line: number
  item: string
  lot: string
  quantity: number
  /** Null until the item's object has answered, and that is known here. */
  outcome: 'sent' | 'refused' | null
  /** Why it was refused: a problem document. */
  problem: object | null
  /** Sums over the receipts that are done. */
  received: number
  missing: number
}

/** What a receipt says of one line. Not done: whether the item's object has it is not known here. */
export interface ReceiptLine {
  line: number
  receipt: string
  quantity: number
  missing: number
}

export interface Figures {
  inTransit: number
  received: number
  missing: number
}

/**
 * The name under which an item expects the goods of a line: the transfer's id; for further lots of the same item with
 * the number of the line, since an item has one arrival under each name.
 */
export function arrivalName(
  id: string,
  lines: readonly TransferLine[],
  { line, item }: TransferLine,
): string {
  const first = lines.find((each) => each.item === item)
  return first?.line === line ? id : `${id}/${line + 1}`
}

/** True while the item's object may have units of this line under way. */
export function isOpen({ outcome, quantity, received, missing }: TransferLine): boolean {
  return outcome === null || (outcome === 'sent' && received + missing < quantity)
}

/** What the record says of a line. */
export function recorded({ outcome, quantity, received, missing }: TransferLine): Figures {
  return { inTransit: outcome === 'sent' ? quantity - received - missing : 0, received, missing }
}

/**
 * What became of a line by what is still in transit. Of receipts whose end is not known, those took effect, oldest
 * first, that fit into what has gone from the way and is not recorded. The three figures always add up to the line.
 */
export function settled(
  line: TransferLine,
  undone: readonly ReceiptLine[],
  inTransit: number,
): Figures & { effective: ReceiptLine[] } {
  let unrecorded = line.quantity - inTransit - line.received - line.missing
  const effective = undone.filter((receipt) => {
    const units = receipt.quantity + receipt.missing
    if (receipt.line !== line.line || units > unrecorded) return false
    unrecorded -= units
    return true
  })
  const lost = effective.reduce((sum, receipt) => sum + receipt.missing, line.missing)
  const gone = line.quantity - inTransit
  const missing = Math.min(lost, gone)
  return { inTransit, received: gone - missing, missing, effective }
}
