import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { CART_LINES_MAX, handleSchema, LINE_QUANTITY_MAX, quantitySchema, skuSchema } from '../quantity.ts'
import { addressSchema, contactSchema } from './address.ts'
import { givenDiscountSchema } from './discount.ts'
import { orNull } from './or-null.ts'
import { localeSchema } from './plain-text.ts'
import { propertiesSchema, totalsSchema } from './totals.ts'

export const cartPatchSchema = z
  .strictObject({
    contact: orNull(contactSchema).optional(),
    shippingAddress: orNull(addressSchema).optional(),
    billingAddress: orNull(addressSchema).optional(),
    shippingMethod: handleSchema.nullable().optional(),
    market: handleSchema.optional(),
    locale: localeSchema.optional(),
    note: z.string().max(2_000).nullable().optional(),
    metadata: propertiesSchema.optional(),
  })
  .openapi('CartPatch')

/** Not `extend()`, which would be described as both at once, each forbidding what the other adds. */
export const newCartSchema = z
  .strictObject({
    ...cartPatchSchema.shape,
    hold: z
      .enum(['line', 'checkout'])
      .optional()
      .openapi({ description: 'When stock is held; default `line`: as it is put in.' }),
    lines: z
      .array(
        z.strictObject({
          sku: skuSchema,
          quantity: z.int().min(1).max(LINE_QUANTITY_MAX),
          properties: propertiesSchema.optional(),
        }),
      )
      .max(CART_LINES_MAX)
      .optional(),
  })
  .openapi('NewCart')

export const putLineSchema = z
  .strictObject({ quantity: quantitySchema, properties: propertiesSchema.optional() })
  .openapi('PutLine')

export const cartLineSchema = z
  .object({
    sku: z.string(),
    productHandle: z.string(),
    title: z.string(),
    image: z.string().nullable(),
    quantity: z.int(),
    unitPrice: moneySchema,
    discount: moneySchema,
    total: moneySchema.openapi({ description: '`unitPrice` x `quantity` - `discount`' }),
    properties: z.record(z.string(), z.string()),
    hold: z.object({ state: z.enum(['held', 'expired', 'none']), expiresAt: z.string().nullable() }),
  })
  .openapi('CartLine')

export const noticeSchema = z
  .object({
    code: z.string(),
    severity: z.enum(['info', 'warning', 'error']),
    path: z.string(),
    message: z.string(),
  })
  .openapi('Notice')

export const cartSchema = z
  .object({
    id: z.string(),
    status: z.enum(['open', 'checking_out', 'completed', 'abandoned', 'expired']),
    market: z.string(),
    currency: z.string(),
    locale: z.string(),
    hold: z.enum(['line', 'checkout']),
    lines: z.array(cartLineSchema),
    discounts: z.array(givenDiscountSchema),
    contact: orNull(contactSchema),
    shippingAddress: orNull(addressSchema),
    billingAddress: orNull(addressSchema),
    shippingMethod: z.string().nullable(),
    note: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    totals: totalsSchema,
    notices: z.array(noticeSchema),
    order: z.object({ id: z.string(), token: z.string() }).nullable(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .openapi('Cart')

export const checkoutSchema = z
  .strictObject({
    payment: z.strictObject({
      provider: z.string().min(1).max(40),
      token: z.string().min(1).max(500),
      returnUrl: z.url().max(2_000).optional(),
    }),
    expectedTotal: moneySchema.optional(),
  })
  .openapi('Checkout')

export const requiresActionSchema = z
  .object({
    status: z.literal('requires_action'),
    action: z.object({ type: z.string(), url: z.string(), paymentId: z.string() }),
  })
  .openapi('RequiresAction')

export type CartPatch = z.infer<typeof cartPatchSchema>
export type NewCart = z.infer<typeof newCartSchema>
export type Cart = z.infer<typeof cartSchema>
export type CartLine = z.infer<typeof cartLineSchema>
export type Notice = z.infer<typeof noticeSchema>
export type CheckoutRequest = z.infer<typeof checkoutSchema>
export type RequiresAction = z.infer<typeof requiresActionSchema>
