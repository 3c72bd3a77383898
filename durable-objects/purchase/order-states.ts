import type { Order } from '../../schema/http/order.ts'

export const ORDER_COMMANDS = ['capture', 'cancel'] as const
export type OrderCommand = (typeof ORDER_COMMANDS)[number]

type StateOf = `${Order['status']}/${Order['fulfillmentStatus']}`

/** Which command an order takes in which state: the one place. What is not listed is refused. */
const PERMITTED: Partial<Record<StateOf, readonly OrderCommand[]>> = {
  'placed/unfulfilled': ['capture', 'cancel'],
  'placed/partially_fulfilled': ['capture'],
  'placed/fulfilled': ['capture'],
}

export function permits(order: Order, command: OrderCommand): boolean {
  return PERMITTED[`${order.status}/${order.fulfillmentStatus}`]?.includes(command) ?? false
}
