import { describe, expect, test } from 'vitest'
import { type OrderVerb, PERMITTED, permits } from '../../../durable-objects/purchase/order-states.ts'
import { orderSchema } from '../../../schema/http/order.ts'

const { status, paymentStatus, fulfillmentStatus } = orderSchema.shape
const COMMANDS = Object.keys(PERMITTED) as OrderVerb[]

/** By what has become of the goods. */
const OF_GOODS: Record<string, OrderVerb[]> = {
  'placed/unfulfilled': ['fulfill', 'cancel', 'amend'],
  'placed/partially_fulfilled': ['fulfill', 'deliver', 'cancel', 'return', 'receive', 'amend'],
  'placed/fulfilled': ['deliver', 'return', 'receive', 'amend'],
  'placed/returned': ['deliver', 'amend'],
  'completed/unfulfilled': ['amend'],
  'completed/partially_fulfilled': ['deliver', 'return', 'receive', 'amend'],
  'completed/fulfilled': ['deliver', 'return', 'receive', 'amend'],
  'completed/returned': ['deliver', 'amend'],
  'cancelled/unfulfilled': ['amend'],
  'cancelled/partially_fulfilled': ['amend'],
  'cancelled/fulfilled': ['amend'],
  'cancelled/returned': ['amend'],
}

describe('each state of an order', () => {
  for (const is of status.options) {
    for (const goods of fulfillmentStatus.options) {
      for (const money of paymentStatus.options) {
        test(`${is}, ${goods}, ${money}: takes what it says and nothing else`, () => {
          const expected = new Set(OF_GOODS[`${is}/${goods}`])
          if (is === 'placed' && (money === 'pending' || money === 'authorized')) expected.add('capture')
          if (money === 'paid' || money === 'partially_refunded') expected.add('refund')
          if (money === 'refunded') expected.delete('fulfill')
          const order = { status: is, paymentStatus: money, fulfillmentStatus: goods }
          expect(COMMANDS.filter((command) => permits(order, command)).sort()).toEqual([...expected].sort())
        })
      }
    }
  }
})
