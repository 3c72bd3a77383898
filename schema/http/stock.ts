import { z } from '@hono/zod-openapi'
import { fromIso } from '../../runtime/clock.ts'
import { handleSchema, QUANTITY_MAX } from '../quantity.ts'
import type { Band } from '../rpc/source.ts'
import { ADJUST_REASONS, type Levels, MOVEMENT_TYPES } from '../rpc/stock.ts'
import { plainText } from './plain-text.ts'

export const BANDS = ['in_stock', 'low_stock', 'out_of_stock', 'backorder'] as const satisfies Band[]

const units = z.int().min(0).max(QUANTITY_MAX)
const instant = z.iso
  .datetime({ offset: true })
  .refine((text) => Number.isFinite(fromIso(text)), 'is not an instant')
  .openapi({ example: '2027-01-01T00:00:00.000Z' })
/** 64 characters: lot numbers are codes, as SKUs are. */
const lot = z
  .string()
  .max(64)
  .regex(/^[^\p{C}]*$/u, 'has a character that is not printable')
  .openapi({ pattern: '^[^\\p{C}]*$' })
/** Goes into the ledger and its events, which are kept for ever and hold no personal data. */
const reference = plainText(100).openapi({
  example: 'PO-2041',
  description: 'A document number. It goes into events: no personal data.',
})

const positionSchema = z
  .object({
    location: z.string().openapi({ description: "'' is what was promised beyond hand" }),
    lot: z.string(),
    expiresAt: z.string().nullable(),
    onHand: z.int(),
    reserved: z.int(),
    allocated: z.int(),
    safetyStock: z.int(),
  })
  .openapi('StockPosition')

export const levelsSchema = z
  .object({
    item: z.string(),
    onHand: z.int().openapi({ description: 'Of positions that have not passed their sell-by date' }),
    reserved: z.int().openapi({ description: 'Held for carts' }),
    allocated: z.int().openapi({ description: 'Promised to orders' }),
    safetyStock: z.int(),
    available: z
      .int()
      .openapi({ description: 'max(0, onHand - reserved - allocated - safetyStock), backorder apart' }),
    backorderLimit: z.int(),
    positions: z.array(positionSchema),
    sequence: z.int().openapi({ description: 'Of the last event of this item' }),
  })
  .openapi('StockLevels')
export type LevelsOnWire = z.infer<typeof levelsSchema>

/** Levels as answers and events show them: instants ISO 8601. */
export function levelsOnWire(levels: Levels): LevelsOnWire {
  return {
    ...levels,
    positions: levels.positions.map((position) => ({
      ...position,
      expiresAt: position.expiresAt === null ? null : new Date(position.expiresAt).toISOString(),
    })),
  }
}

export const policySchema = z
  .strictObject({
    safetyStock: units.default(0).openapi({ description: 'Units that are never sold' }),
    backorderLimit: units.default(0).openapi({ description: 'Units that may be promised beyond hand' }),
    availableOn: instant.nullable().default(null).openapi({ description: 'When more is expected' }),
    lowStockThreshold: units.nullable().default(null).openapi({ description: "null: the store's" }),
    saleStartsAt: instant.nullable().default(null),
    saleEndsAt: instant.nullable().default(null),
  })
  .openapi('StockPolicy')
export type PolicyOnWire = z.infer<typeof policySchema>

const place = { location: handleSchema, lot: lot.optional(), expiresAt: instant.nullable().optional() }
const reason = z.enum(ADJUST_REASONS)

export const newMovementSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('receive'),
      ...place,
      quantity: units.min(1),
      reason: reason.optional(),
      reference: reference.optional(),
    }),
    z.strictObject({
      type: z.literal('adjust'),
      ...place,
      quantity: z
        .int()
        .min(-QUANTITY_MAX)
        .max(QUANTITY_MAX)
        .refine((quantity) => quantity !== 0, 'is 0')
        .openapi({ description: 'Signed: what is added or taken away' }),
      reason,
      reference: reference.optional(),
    }),
    z.strictObject({
      type: z.literal('count'),
      ...place,
      quantity: units.openapi({ description: 'What is there' }),
      expectedOnHand: units.optional().openapi({ description: 'Refused unless this many were on hand' }),
      reason: reason.optional(),
      reference: reference.optional(),
    }),
  ])
  .openapi('NewStockMovement')
export type NewMovement = z.infer<typeof newMovementSchema>

export const movementSchema = z
  .object({
    id: z.string(),
    sequence: z.int(),
    type: z.enum(MOVEMENT_TYPES),
    quantity: z.int(),
    deltas: z.array(
      z.object({
        location: z.string(),
        lot: z.string(),
        onHand: z.int(),
        reserved: z.int(),
        allocated: z.int(),
      }),
    ),
    reason: z.string().nullable(),
    reference: z.string().nullable(),
    note: z.string().nullable(),
    actor: z.string(),
    orderId: z.string().nullable(),
    purchaseId: z.string().nullable(),
    expiresAt: z.string().nullable(),
    occurredAt: z.string(),
  })
  .openapi('StockMovement')

export const stockItemSchema = z
  .object({
    item: z.string(),
    status: z.enum(BANDS),
    availableOn: z.string().nullable(),
    onHand: z.int(),
    reserved: z.int(),
    allocated: z.int(),
    safetyStock: z.int(),
    available: z.int(),
    backorderLimit: z.int(),
    locations: z.array(z.string()),
  })
  .openapi('StockItem')
