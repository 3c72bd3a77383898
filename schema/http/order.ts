import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { addressSchema, contactSchema } from './address.ts'
import { orNull } from './or-null.ts'
import { totalsSchema } from './totals.ts'

export const orderLineSchema = z
  .object({
    id: z.string(),
    sku: z.string(),
    title: z.string(),
    quantity: z.int(),
    fulfilled: z.int(),
    cancelled: z.int(),
    returned: z.int(),
    unitPrice: moneySchema,
    discount: moneySchema,
    tax: moneySchema,
    total: moneySchema,
    properties: z.record(z.string(), z.string()),
  })
  .openapi('OrderLine')

export const paymentSchema = z
  .object({
    id: z.string(),
    provider: z.string(),
    status: z.enum(['authorized', 'captured', 'voided', 'refunded', 'partially_refunded']),
    amount: moneySchema,
    captured: moneySchema,
    refunded: moneySchema,
    createdAt: z.string(),
  })
  .openapi('Payment')

export const orderSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    token: z.string().optional().openapi({ description: "Only in the checkout's answer." }),
    market: z.string(),
    currency: z.string(),
    locale: z.string(),
    status: z.enum(['placed', 'completed', 'cancelled']),
    paymentStatus: z.enum(['pending', 'authorized', 'paid', 'partially_refunded', 'refunded', 'voided']),
    fulfillmentStatus: z.enum(['unfulfilled', 'partially_fulfilled', 'fulfilled', 'returned']),
    lines: z.array(orderLineSchema),
    totals: totalsSchema,
    contact: orNull(contactSchema),
    shippingAddress: orNull(addressSchema),
    billingAddress: orNull(addressSchema),
    shippingMethod: z.object({ code: z.string(), title: z.string() }).nullable(),
    payments: z.array(paymentSchema),
    fulfillments: z.array(z.object({ id: z.string() })),
    refunds: z.array(
      z.object({ id: z.string(), amount: moneySchema, reason: z.string().nullable(), createdAt: z.string() }),
    ),
    returns: z.array(z.object({ id: z.string() })),
    cancellation: z.object({ reason: z.string().nullable(), cancelledAt: z.string() }).nullable(),
    note: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    placedAt: z.string(),
    version: z.int(),
  })
  .openapi('Order')

export const cancellationSchema = z
  .strictObject({ reason: z.string().max(200).optional() })
  .openapi('Cancellation')

export type Order = z.infer<typeof orderSchema>
export type OrderLine = z.infer<typeof orderLineSchema>
export type Payment = z.infer<typeof paymentSchema>

/**
 * What an `order.*` event carries: no token, no contact, no addresses, and no free text that a shopper or the
 * staff wrote (note, metadata, line properties, reasons), since the log is kept for ever.
 */
export type OrderEventData = Omit<
  Order,
  | 'token'
  | 'contact'
  | 'shippingAddress'
  | 'billingAddress'
  | 'note'
  | 'metadata'
  | 'lines'
  | 'refunds'
  | 'cancellation'
> & {
  lines: Omit<OrderLine, 'properties'>[]
  refunds: Omit<Order['refunds'][number], 'reason'>[]
  cancellation: { cancelledAt: string } | null
}
