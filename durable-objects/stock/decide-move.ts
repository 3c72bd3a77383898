import { type EpochMs, toIsoOrNull } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import { QUANTITY_MAX } from '../../schema/quantity.ts'
import type { AdjustReason, GoodsCommand } from '../../schema/rpc/stock.ts'
import { received } from './arrivals.ts'
import { assertUnits, type Decision, refused } from './decision.ts'
import { newPosition } from './positions.ts'
import type { KeptPosition, StockState } from './state.ts'

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

const LEAST = { receive: 1, adjust: -QUANTITY_MAX, count: 0, return: 1 } as const

/** Every event carries all levels: 500 positions are some 70 KB of it, far below the 2 MB that a row may have. */
export const POSITIONS_MAX = 500

/** Goods that arrive, come back, are found changed, or are counted, at one position. */
export function decideMove(state: StockState, command: GoodsCommand, at: EpochMs): Decision<object> {
  const { type, location, lot, quantity } = command
  assertUnits(quantity, LEAST[type])
  const known = state.positions.find((p) => p.location === location && p.lot === lot)
  const position = known ?? { ...newPosition(location, lot), expiresAt: command.expiresAt }
  const expiresAt = command.expiresAt ?? position.expiresAt
  const onHand = onHandAfter(command, position)
  const isThrownAway = command.disposition === 'write_off'
  const refusal =
    (!known && refuseNewPosition(state)) ||
    refuseGoods(command, position, expiresAt, onHand, at) ||
    refuseOnHand(command, position, onHand)
  if (refusal && !isThrownAway) return refusal
  // A worker of the version before, while a deployment is under way, names neither of the two.
  const { reason, reference, note, actor, orderId = null, disposition = null } = command
  const change = onHand - position.onHand
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
        orderId,
        purchaseId: null,
        disposition,
        expiresAt: toIsoOrNull(expiresAt),
      },
      deltas: isThrownAway ? [] : [{ location, lot, onHand: change, reserved: 0, allocated: 0 }],
      reservation: null,
      place: isThrownAway ? null : { location, lot, expiresAt, priority: command.locationPriority },
      ...(type === 'receive' && { arrivals: received(state.arrivals, command) }),
    },
  }
}

/** An item's positions have a bound. */
export function refuseNewPosition(state: StockState): Decision<object> | null {
  return state.positions.length >= POSITIONS_MAX
    ? conflict(`An item has ${POSITIONS_MAX} positions at most.`, { limit: POSITIONS_MAX })
    : null
}

function onHandAfter({ type, quantity, disposition }: GoodsCommand, { onHand }: KeptPosition): number {
  if (type === 'count') return quantity
  return disposition === 'write_off' ? onHand : onHand + quantity
}

/** The goods must be the kind that the position has, as many as were expected, and not past their date. */
function refuseGoods(
  { type, expectedOnHand }: GoodsCommand,
  position: KeptPosition,
  expiresAt: EpochMs | null,
  onHand: number,
  at: EpochMs,
): Decision<object> | null {
  if (expiresAt !== position.expiresAt && position.onHand > 0) {
    return conflict('The position has goods with another sell-by date; use a lot of their own.', {
      expectedExpiresAt: toIsoOrNull(expiresAt),
      expiresAt: toIsoOrNull(position.expiresAt),
    })
  }
  if (expectedOnHand !== null && expectedOnHand !== position.onHand) {
    return conflict(`${position.onHand} units are on hand, ${expectedOnHand} were expected.`, {
      expectedOnHand,
      onHand: position.onHand,
    })
  }
  const isOver = expiresAt !== null && expiresAt <= at
  if (isOver && onHand > position.onHand) {
    const hint = type === 'return' ? 'write them off' : 'they cannot be sold'
    return conflict(`The sell-by date of these goods has passed; ${hint}.`, {
      expiresAt: toIsoOrNull(expiresAt),
    })
  }
  return null
}

function refuseOnHand(
  { type, reason, quantity }: GoodsCommand,
  position: KeptPosition,
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

export function conflict(detail: string, facts: Record<string, unknown>): Decision<object> {
  return refused(refuse('stock_conflict', detail, facts))
}
