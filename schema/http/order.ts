import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { addressSchema, contactSchema } from './address.ts'
import { givenDiscountSchema } from './discount.ts'
import { orNull } from './or-null.ts'
import { plainText } from './plain-text.ts'
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
    credited: z.int().openapi({
      description:
        'Units whose price was given back, or never taken: cancelled, refunded by line, or returned for money.',
    }),
    unitPrice: moneySchema,
    discount: moneySchema,
    tax: moneySchema,
    total: moneySchema.openapi({ description: '`unitPrice` x `quantity` - `discount`' }),
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

const unitsSchema = z.object({ lineId: z.string(), quantity: z.int() })

export const trackingSchema = z
  .strictObject({
    carrier: plainText(100, 1).nullable().default(null),
    number: plainText(100, 1).nullable().default(null),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .nullable()
      .default(null),
  })
  .openapi('Tracking')

export const fulfillmentSchema = z
  .object({
    id: z.string(),
    lines: z.array(unitsSchema),
    location: z.string().nullable().openapi({ description: 'null: from wherever the units were promised.' }),
    tracking: orNull(trackingSchema),
    positions: z
      .array(z.object({ item: z.string(), location: z.string(), lot: z.string(), quantity: z.int() }))
      .openapi({ description: 'Where the units were taken from; filled as the stock items answer.' }),
    createdAt: z.string(),
    deliveredAt: z.string().nullable(),
  })
  .openapi('Fulfillment')

export const refundSchema = z
  .object({
    id: z.string(),
    paymentId: z.string(),
    amount: moneySchema,
    reason: z.string().nullable(),
    status: z.enum(['pending', 'succeeded']),
    createdAt: z.string(),
  })
  .openapi('Refund')

export const returnSchema = z
  .object({
    id: z.string(),
    status: z.enum(['requested', 'received', 'closed']).openapi({
      description: 'closed: nothing came back.',
    }),
    lines: z.array(
      unitsSchema.extend({ reason: z.string().nullable(), restocked: z.int(), writtenOff: z.int() }),
    ),
    refund: z.boolean().openapi({ description: 'What comes back is refunded when it is received.' }),
    createdAt: z.string(),
    receivedAt: z.string().nullable(),
  })
  .openapi('Return')

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
    discounts: z
      .array(givenDiscountSchema)
      .optional()
      .openapi({ description: 'Absent on orders from before there were discounts.' }),
    totals: totalsSchema,
    contact: orNull(contactSchema),
    shippingAddress: orNull(addressSchema),
    billingAddress: orNull(addressSchema),
    shippingMethod: z.object({ code: z.string(), title: z.string() }).nullable(),
    payments: z.array(paymentSchema),
    fulfillments: z.array(fulfillmentSchema),
    refunds: z.array(refundSchema),
    returns: z.array(returnSchema),
    cancellation: z.object({ reason: z.string().nullable(), cancelledAt: z.string() }).nullable(),
    note: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    placedAt: z.string(),
    version: z.int(),
  })
  .openapi('Order')

/** What happened to an order, and who did it: `customer`, `provider`, `stock`, `root` or the id of an API key. */
export const timelineSchema = z
  .array(
    z.object({
      at: z.string(),
      actor: z.string(),
      what: z.string(),
      /** The fulfillment, refund, return or payment that it is about. */
      subject: z.string().nullable(),
    }),
  )
  .openapi('OrderTimeline')

export type Order = z.infer<typeof orderSchema>
export type OrderLine = z.infer<typeof orderLineSchema>
export type Payment = z.infer<typeof paymentSchema>
export type Tracking = z.infer<typeof trackingSchema>
export type Fulfillment = z.infer<typeof fulfillmentSchema>
export type Refund = z.infer<typeof refundSchema>
export type Return = z.infer<typeof returnSchema>
export type TimelineEntry = z.infer<typeof timelineSchema>[number]

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
  | 'fulfillments'
  | 'refunds'
  | 'returns'
  | 'cancellation'
> & {
  lines: Omit<OrderLine, 'properties'>[]
  /** A tracking number leads to whoever gets the parcel. */
  fulfillments: Omit<Fulfillment, 'tracking'>[]
  refunds: Omit<Refund, 'reason'>[]
  returns: (Omit<Return, 'lines'> & { lines: Omit<Return['lines'][number], 'reason'>[] })[]
  cancellation: { cancelledAt: string } | null
}
