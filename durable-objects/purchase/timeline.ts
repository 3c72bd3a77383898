import type { Order, TimelineEntry } from '../../schema/http/order.ts'
import type { OrderAction } from '../../schema/rpc/purchase.ts'
import type { Change, PurchaseState } from './state.ts'

/** The newest of an order's life: 300 entries of some 150 bytes are 45 KB of the 2 MB that the purchase's row may have. */
export const TIMELINE_MAX = 300

/** The change with its entry. */
export function toldInTimeline(change: Change, entry: TimelineEntry): Change {
  const timeline = [...change.state.timeline, entry].slice(-TIMELINE_MAX)
  return { ...change, state: { ...change.state, timeline } }
}

/** What a command was about: the thing it made, or the one it named. */
export function subjectOf(action: OrderAction, order: Order): string | null {
  switch (action.do) {
    case 'fulfill':
      return order.fulfillments.at(-1)?.id ?? null
    case 'deliver':
      return action.fulfillmentId
    case 'refund':
      return order.refunds.at(-1)?.id ?? null
    case 'return':
      return order.returns.at(-1)?.id ?? null
    case 'receive':
      return action.returnId
    default:
      return null
  }
}

/** From the beginning, which no command wrote. */
export function timelineOf({ order, timeline }: PurchaseState): TimelineEntry[] {
  return [{ at: order!.placedAt, actor: 'customer', what: 'placed', subject: null }, ...timeline]
}
