import { refuse } from '../../schema/outcome.ts'
import { QUANTITY_MAX } from '../../schema/quantity.ts'
import type { AdjustReason, MoveCommand } from '../../schema/rpc/stock.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { newPosition } from './positions.ts'
import type { StockState } from './state.ts'

/** Reasons for which goods are gone whatever was promised: the promise breaks and the ledger says why. */
const MAY_BREAK_PROMISES: ReadonlySet<AdjustReason> = new Set([
  'damaged',
  'lost',
  'stolen',
  'expired',
  'correction',
  'sample',
  'quality_hold',
])

const LEAST = { receive: 1, adjust: -QUANTITY_MAX, count: 0 } as const

/** Every event carries all levels: 500 positions are some 70 KB of it, far below the 2 MB that a row may have. */
export const POSITIONS_MAX = 500

/** Goods that arrive, are found changed, or are counted, at one position. */
export function decideMove(state: StockState, command: MoveCommand): Decision<object> {
  const { type, location, lot, quantity, expectedOnHand } = command
  assertUnits(quantity, LEAST[type])
  const known = state.positions.find((p) => p.location === location && p.lot === lot)
  if (!known && state.positions.length >= POSITIONS_MAX) {
    return conflict(`An item has ${POSITIONS_MAX} positions at most.`, { limit: POSITIONS_MAX })
  }
  const position = known ?? { ...newPosition(location, lot), expiresAt: command.expiresAt }
  const expiresAt = command.expiresAt ?? position.expiresAt
  if (expiresAt !== position.expiresAt && position.onHand > 0) {
    return conflict('The position has goods with another sell-by date; use a lot of their own.', {
      expectedExpiresAt: new Date(expiresAt!).toISOString(),
      expiresAt: position.expiresAt === null ? null : new Date(position.expiresAt).toISOString(),
    })
  }
  if (expectedOnHand !== null && expectedOnHand !== position.onHand) {
    return conflict(`${position.onHand} units are on hand, ${expectedOnHand} were expected.`, {
      expectedOnHand,
      onHand: position.onHand,
    })
  }
  const onHand = type === 'count' ? quantity : position.onHand + quantity
  const refusal = refuseOnHand(command, position, onHand)
  if (refusal) return refusal
  const { reason, reference, note, actor } = command
  return {
    outcome: { ok: true },
    change: {
      movement: {
        type,
        quantity,
        reason,
        reference,
        note,
        actor,
        orderId: null,
        purchaseId: null,
        expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      },
      deltas: [{ location, lot, onHand: onHand - position.onHand, reserved: 0, allocated: 0 }],
      reservation: null,
      place: { location, lot, expiresAt, priority: command.locationPriority },
    },
  }
}

function refuseOnHand(
  { type, reason, quantity }: MoveCommand,
  position: { onHand: number; reserved: number; allocated: number },
  onHand: number,
): Decision<object> | null {
  const facts = { quantity, onHand: position.onHand }
  if (onHand < 0) return conflict(`Only ${position.onHand} units are on hand.`, facts)
  if (onHand > QUANTITY_MAX)
    return conflict(`A position holds ${QUANTITY_MAX} units at most.`, { ...facts, limit: QUANTITY_MAX })
  const promised = position.reserved + position.allocated
  const mayBreak = type !== 'adjust' || (reason !== null && MAY_BREAK_PROMISES.has(reason))
  if (quantity < 0 && onHand < promised && !mayBreak) {
    return conflict(`${promised} units of the position are promised.`, { ...facts, promised })
  }
  return null
}

function conflict(detail: string, facts: Record<string, unknown>): Decision<object> {
  return refused(refuse('stock_conflict', detail, facts))
}
