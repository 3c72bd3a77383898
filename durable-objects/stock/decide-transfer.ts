import { type EpochMs, toIso, toIsoOrNull } from '../../runtime/clock.ts'
import { QUANTITY_MAX } from '../../schema/quantity.ts'
import type { DispatchCommand, ReceiptCommand } from '../../schema/rpc/stock.ts'
import { ARRIVALS_MAX, withArrival } from './arrivals.ts'
import { conflict, refuseNewPosition } from './decide-move.ts'
import { assertUnits, type Decision } from './decision.ts'
import { freeAt, isLive, newPosition } from './positions.ts'
import { type Change, type MovementDraft, type StockState, UNREMARKED } from './state.ts'

/** Goods that nobody was promised leave a position for another location; on the way they are an arrival there. */
export function decideDispatch(state: StockState, command: DispatchCommand, at: EpochMs): Decision<object> {
  const { transferId, location, lot, destination, quantity, expectedAt } = command
  assertUnits(quantity, 1)
  const position = state.positions.find((p) => p.location === location && p.lot === lot)
  const free = position && isLive(position, at) ? Math.max(0, freeAt(position)) : 0
  if (!position || quantity > free) {
    return conflict(`Only ${free} free units are there.`, { quantity, free })
  }
  if (state.arrivals.some(({ reference }) => reference === transferId)) {
    return conflict('Another arrival has this reference.', { reference: transferId })
  }
  if (state.arrivals.length >= ARRIVALS_MAX) {
    return conflict(`An item has ${ARRIVALS_MAX} arrivals at most.`, { limit: ARRIVALS_MAX })
  }
  const { expiresAt } = position
  const arrival = {
    reference: transferId,
    kind: 'transfer' as const,
    location: destination,
    lot,
    quantity,
    expectedAt,
    expiresAt,
  }
  return {
    outcome: { ok: true },
    change: {
      movement: transferMovement(command, 'transfer', quantity, expiresAt),
      deltas: [{ location, lot, onHand: -quantity, reserved: 0, allocated: 0 }],
      reservation: null,
      place: null,
      arrivals: withArrival(state.arrivals, arrival),
    },
  }
}

/** What came of a transfer is on hand; what is missing is lost, with a ledger row of its own. */
export function decideReceipt(state: StockState, command: ReceiptCommand, at: EpochMs): Decision<object> {
  const { transferId, quantity, missing } = command
  assertUnits(quantity, 0)
  assertUnits(missing, 0)
  assertUnits(quantity + missing, 1)
  const due = state.arrivals.find(({ kind, reference }) => kind === 'transfer' && reference === transferId)
  if (!due || quantity + missing > due.quantity) {
    const incoming = due?.quantity ?? 0
    return conflict(`${incoming} units are on their way.`, { quantity, missing, incoming })
  }
  const { location, lot, expiresAt } = due
  const isOver = expiresAt !== null && expiresAt <= at
  if (quantity > 0 && isOver) {
    return conflict('The sell-by date of these goods has passed on the way; give them as missing.', {
      expiresAt: toIso(expiresAt),
    })
  }
  const known = state.positions.find((p) => p.location === location && p.lot === lot)
  const full = quantity > 0 && !known ? refuseNewPosition(state) : null
  if (full) return full
  const position = known ?? newPosition(location, lot)
  if (quantity > 0 && position.onHand > 0 && position.expiresAt !== expiresAt) {
    return conflict('The position has goods with another sell-by date; move those to a lot of their own.', {
      location,
      lot,
    })
  }
  if (position.onHand + quantity > QUANTITY_MAX) {
    return conflict(`A position holds ${QUANTITY_MAX} units at most.`, { limit: QUANTITY_MAX })
  }
  const arrivals = withArrival(state.arrivals, { ...due, quantity: due.quantity - quantity - missing })
  const arrived: Change = {
    movement: transferMovement(command, 'transfer', quantity, expiresAt),
    deltas: [{ location, lot, onHand: quantity, reserved: 0, allocated: 0 }],
    reservation: null,
    place: { location, lot, expiresAt, priority: command.locationPriority },
    arrivals,
  }
  const lost: Change = {
    movement: { ...transferMovement(command, 'adjust', -missing, expiresAt), reason: 'lost' },
    deltas: [],
    reservation: null,
    place: null,
    arrivals,
  }
  const rows = [...(quantity > 0 ? [arrived] : []), ...(missing > 0 ? [lost] : [])]
  return { outcome: { ok: true }, change: rows[0]!, ...(rows[1] && { and: rows[1] }) }
}

function transferMovement(
  { transferId, note, actor }: DispatchCommand | ReceiptCommand,
  type: 'transfer' | 'adjust',
  quantity: number,
  expiresAt: EpochMs | null,
): MovementDraft {
  const remarks = { reference: transferId, note, expiresAt: toIsoOrNull(expiresAt) }
  return { ...UNREMARKED, type, quantity, actor, ...remarks }
}
