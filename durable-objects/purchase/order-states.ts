import type { Order } from '../../schema/http/order.ts'
import type { OrderAction } from '../../schema/rpc/purchase.ts'

export type OrderVerb = OrderAction['do']

type States = Pick<Order, 'status' | 'paymentStatus' | 'fulfillmentStatus'>
type Permission = { [S in keyof States]: readonly States[S][] | 'any' }

/**
 * Which command an order takes in which state: the one place. A state is three words; a command is taken where each of
 * them is listed, and refused everywhere else (`order_state_conflict`).
 */
export const PERMITTED: Record<OrderVerb, Permission> = {
  /** Takes the money that was authorized, or that comes by another way (provider `manual`). */
  capture: { status: ['placed'], paymentStatus: ['pending', 'authorized'], fulfillmentStatus: 'any' },
  /** Goods whose money was given back whole are cancelled, not shipped; money that is still to come does not hold goods. */
  fulfill: {
    status: ['placed'],
    paymentStatus: ['pending', 'authorized', 'paid', 'partially_refunded', 'voided'],
    fulfillmentStatus: ['unfulfilled', 'partially_fulfilled'],
  },
  deliver: {
    status: ['placed', 'completed'],
    paymentStatus: 'any',
    fulfillmentStatus: ['partially_fulfilled', 'fulfilled', 'returned'],
  },
  /** What was not shipped. */
  cancel: {
    status: ['placed'],
    paymentStatus: 'any',
    fulfillmentStatus: ['unfulfilled', 'partially_fulfilled'],
  },
  refund: { status: 'any', paymentStatus: ['paid', 'partially_refunded'], fulfillmentStatus: 'any' },
  return: {
    status: ['placed', 'completed'],
    paymentStatus: 'any',
    fulfillmentStatus: ['partially_fulfilled', 'fulfilled'],
  },
  receive: {
    status: ['placed', 'completed'],
    paymentStatus: 'any',
    fulfillmentStatus: ['partially_fulfilled', 'fulfilled'],
  },
  /** Notes and metadata. */
  amend: { status: 'any', paymentStatus: 'any', fulfillmentStatus: 'any' },
}

export function permits(order: States, command: OrderVerb): boolean {
  const { status, paymentStatus, fulfillmentStatus } = PERMITTED[command]
  return (
    isListed(status, order.status) &&
    isListed(paymentStatus, order.paymentStatus) &&
    isListed(fulfillmentStatus, order.fulfillmentStatus)
  )
}

function isListed<T>(listed: readonly T[] | 'any', word: T): boolean {
  return listed === 'any' || listed.includes(word)
}
