import { type EpochMs, toIso } from '../../runtime/clock.ts'
import { newId } from '../../schema/ids.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import type { LineUnits, OrderAction } from '../../schema/rpc/purchase.ts'
import { orderEvent } from './event-data.ts'
import { beyond, withLines } from './order-amounts.ts'
import { openUnits, withStatus } from './order-status.ts'
import type { Change, PurchaseState } from './state.ts'
import { withGoodsLeaving } from './stock-effects.ts'

type Fulfill = Extract<OrderAction, { do: 'fulfill' }>

/** Parcels of one order; each is in its document, and in every event that shows it. */
export const FULFILLMENTS_MAX = 100
/** Entries of lines over all fulfillments, or returns: at some 200 bytes with their positions far below the 2 MB of a row. */
export const MOVED_LINES_MAX = 3_000

/** Whether one more of these, with so many lines, would be too much for the order's document. */
export function isFull(
  moved: readonly { lines: readonly unknown[] }[],
  more: number,
  countMax: number,
): boolean {
  const entries = moved.reduce((sum, { lines }) => sum + lines.length, more)
  return moved.length >= countMax || entries > MOVED_LINES_MAX
}

/** The units that a fulfillment would ship: those it names, or all that are open. */
export function unitsToShip(
  { order }: PurchaseState,
  wanted: LineUnits[] | null,
): Outcome<{ units: LineUnits[] }> {
  const open = order!.lines.map((line) => ({ lineId: line.id, quantity: openUnits(line) }))
  const units = wanted ?? open.filter(({ quantity }) => quantity > 0)
  if (isFull(order!.fulfillments, units.length, FULFILLMENTS_MAX)) {
    return refuse('limit_reached', undefined, { limit: FULFILLMENTS_MAX })
  }
  const lines = beyond(order!, units, openUnits)
  if (lines.length > 0) {
    return refuse('order_state_conflict', 'Not so many units are left to ship.', { lines })
  }
  return { ok: true, units }
}

/**
 * Ships units: the decision and what each stock item must be told, in one transaction. Stock was asked before whether the
 * goods are there; what it refuses all the same has left the house, and is told again until it is taken.
 */
export function fulfillOrder(
  state: PurchaseState,
  { location, tracking }: Fulfill,
  units: LineUnits[],
  at: EpochMs,
): Change {
  const before = state.order!
  const id = newId('fulfillment', at)
  const shipped = withLines(before, units, (line, quantity) => ({ fulfilled: line.fulfilled + quantity }))
  const fulfillment = {
    id,
    lines: units,
    location,
    tracking,
    positions: [],
    createdAt: toIso(at),
    deliveredAt: null,
  }
  const order = withStatus({
    ...shipped,
    version: before.version + 1,
    fulfillments: [...before.fulfillments, fulfillment],
  })
  const leaving = withGoodsLeaving({ ...state, order }, id, units, location, at)
  return { state: leaving, events: [orderEvent('order.fulfilled', order)] }
}

/** The carrier has handed a fulfillment over. */
export function deliverOrder(state: PurchaseState, fulfillmentId: string, at: EpochMs): Change | Refusal {
  const before = state.order!
  const fulfillment = before.fulfillments.find(({ id }) => id === fulfillmentId)
  if (!fulfillment) return refuse('fulfillment_not_found')
  if (fulfillment.deliveredAt !== null) {
    const { deliveredAt } = fulfillment
    return refuse('order_state_conflict', 'It was delivered before.', { deliveredAt })
  }
  const order = {
    ...before,
    version: before.version + 1,
    fulfillments: before.fulfillments.map((other) =>
      other === fulfillment ? { ...fulfillment, deliveredAt: toIso(at) } : other,
    ),
  }
  return { state: { ...state, order }, events: [orderEvent('order.delivered', order)] }
}
