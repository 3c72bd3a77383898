import { z } from '@hono/zod-openapi'
import { fromIso, toIsoOrNull } from '../../runtime/clock.ts'
import { ID_PREFIXES, parseOrderId } from '../ids.ts'
import { handleSchema, QUANTITY_MAX, skuSchema } from '../quantity.ts'
import type { Band } from '../rpc/source.ts'
import { ADJUST_REASONS, DISPOSITIONS, type Levels, MOVEMENT_TYPES } from '../rpc/stock.ts'
import { plainText } from './plain-text.ts'

export const BANDS = ['in_stock', 'low_stock', 'out_of_stock', 'backorder'] as const satisfies Band[]

export const units = z.int().min(0).max(QUANTITY_MAX)
/** An offset can carry an instant out of the years 0000 to 9999, and ISO 8601 as answers write it has four digits. */
const INSTANT_MIN = fromIso('0000-01-01T00:00:00.000Z')
const INSTANT_MAX = fromIso('9999-12-31T23:59:59.999Z')
export const instant = z.iso
  .datetime({ offset: true, error: 'is not an instant like 2027-01-01T00:00:00Z' })
  .refine((text) => {
    const at = fromIso(text)
    // Text that is no instant has been refused above.
    return Number.isNaN(at) || (at >= INSTANT_MIN && at <= INSTANT_MAX)
  }, 'is not within the years 0000 to 9999 (UTC)')
  .openapi({ example: '2027-01-01T00:00:00.000Z' })
/** 64 characters: lot numbers are codes, as SKUs are. */
export const lot = z
  .string()
  .max(64)
  .regex(/^[^\p{C}]*$/u, 'has a character that is not printable')
  .openapi({ pattern: '^[^\\p{C}]*$' })
/** Goes into the ledger and its events, which are kept for ever and hold no personal data. */
export const reference = plainText(100).openapi({
  example: 'PO-2041',
  description: 'A document number. It goes into events: no personal data.',
})

/** 500 characters, as a comment field has: it goes into every copy of the event. */
export const note = plainText(500).openapi({ description: 'It goes into events: no personal data.' })

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

const arrivalSchema = z
  .object({
    reference: z.string().openapi({ description: 'A purchase order, or the id of the transfer' }),
    kind: z.enum(['supply', 'transfer']),
    location: z.string(),
    lot: z.string(),
    quantity: z.int().openapi({ description: 'Units still to come' }),
    expectedAt: z.string().nullable(),
    expiresAt: z.string().nullable(),
  })
  .openapi('StockArrival')

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
    incoming: z.int().openapi({ description: 'Units of all arrivals: not on hand, not available' }),
    positions: z.array(positionSchema),
    arrivals: z.array(arrivalSchema),
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
      expiresAt: toIsoOrNull(position.expiresAt),
    })),
    arrivals: levels.arrivals.map((arrival) => ({
      ...arrival,
      expectedAt: toIsoOrNull(arrival.expectedAt),
      expiresAt: toIsoOrNull(arrival.expiresAt),
    })),
  }
}

/** 100 positions with a safety stock of their own, in one policy. */
const POSITION_SAFETIES_MAX = 100

export const policySchema = z
  .strictObject({
    safetyStock: units.default(0).openapi({ description: 'Units that are never sold' }),
    backorderLimit: units.default(0).openapi({ description: 'Units that may be promised beyond hand' }),
    availableOn: instant.nullable().default(null).openapi({ description: 'When more is expected' }),
    lowStockThreshold: units.nullable().default(null).openapi({ description: "null: the store's" }),
    saleStartsAt: instant
      .nullable()
      .default(null)
      .openapi({ description: 'Nothing is held before; holds and orders that there are stay' }),
    saleEndsAt: instant
      .nullable()
      .default(null)
      .openapi({ description: 'Nothing is held anew from then on' }),
    positions: z
      .array(z.strictObject({ location: handleSchema, lot: lot.default(''), safetyStock: units }))
      .max(POSITION_SAFETIES_MAX)
      .default([])
      .openapi({
        description:
          'Units of single positions that are never sold, besides `safetyStock`; a position keeps no more safe than it has. Those not named have 0.',
      }),
  })
  .refine(({ saleStartsAt, saleEndsAt }) => isBefore(saleStartsAt, saleEndsAt), {
    path: ['saleEndsAt'],
    message: 'is not after saleStartsAt',
  })
  .superRefine(({ positions }, context) => {
    const seen = new Set<string>()
    for (const [index, { location, lot }] of positions.entries()) {
      const place = JSON.stringify([location, lot])
      if (seen.has(place)) {
        context.addIssue({ code: 'custom', path: ['positions', index], message: 'is named twice' })
      }
      seen.add(place)
    }
  })
  .openapi('StockPolicy')
export type PolicyOnWire = z.infer<typeof policySchema>

function isBefore(start: string | null, end: string | null): boolean {
  return start === null || end === null || fromIso(start) < fromIso(end)
}

const place = { location: handleSchema, lot: lot.optional(), expiresAt: instant.nullable().optional() }
const reason = z.enum(ADJUST_REASONS)
const remarks = { reference: reference.optional(), note: note.optional() }

const receive = z.strictObject({
  type: z.literal('receive'),
  ...place,
  quantity: units.min(1),
  reason: reason.optional(),
  ...remarks,
})

const adjust = z.strictObject({
  type: z.literal('adjust'),
  ...place,
  quantity: z
    .int()
    .min(-QUANTITY_MAX)
    .max(QUANTITY_MAX)
    .refine((quantity) => quantity !== 0, 'is 0')
    .openapi({ description: 'Signed: what is added or taken away' }),
  reason,
  ...remarks,
})

const count = z.strictObject({
  type: z.literal('count'),
  ...place,
  quantity: units.openapi({ description: 'What is there' }),
  expectedOnHand: units.optional().openapi({ description: 'Refused unless this many were on hand' }),
  reason: reason.optional(),
  ...remarks,
})

const returned = z.strictObject({
  type: z.literal('return'),
  ...place,
  quantity: units.min(1),
  disposition: z
    .enum(DISPOSITIONS)
    .default('restock')
    .openapi({ description: 'restock: on hand again; write_off: noted, not on hand' }),
  orderId: z
    .string()
    .max(40)
    .refine((id) => parseOrderId(id) !== null, 'is not the id of an order')
    .optional()
    .openapi({ description: 'The order that the goods come from' }),
  reason: reason.optional(),
  ...remarks,
})

const movementKinds = [receive, adjust, count, returned] as const

export const newMovementSchema = z.discriminatedUnion('type', movementKinds).openapi('NewStockMovement')
export type NewMovement = z.infer<typeof newMovementSchema>

/** 250 movements in one request: each is a call to an object, of at most 1,000 in one invocation (Workers limits). */
export const BATCH_MAX = 250

const item = skuSchema
export const newBatchSchema = z
  .strictObject({
    movements: z
      .array(
        z.discriminatedUnion('type', [
          receive.extend({ item }),
          adjust.extend({ item }),
          count.extend({ item }),
          returned.extend({ item }),
        ]),
      )
      .min(1)
      .max(BATCH_MAX),
  })
  .openapi('NewStockBatch')

/** In a path, so of the characters that a SKU may have; the ids of transfers are names of goods that are really under way. */
export const arrivalReferenceSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}]+$/u, 'has a character that is not printable')
  .refine((text) => text.trim() === text, 'begins or ends with a space')
  .refine((text) => text !== '.' && text !== '..', 'cannot stand in an address')
  .refine((text) => !text.startsWith(`${ID_PREFIXES.transfer}_`), 'is the id of a transfer')
  .openapi({ example: 'PO-2041', pattern: '^[^\\p{C}]+$' })

/** What a supplier will bring. */
export const newArrivalSchema = z
  .strictObject({
    location: handleSchema,
    lot: lot.optional(),
    quantity: units.min(1).openapi({ description: 'Units still to come' }),
    expectedAt: instant.nullable().default(null),
  })
  .openapi('NewStockArrival')
export type NewArrival = z.infer<typeof newArrivalSchema>

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
    disposition: z.enum(DISPOSITIONS).nullable(),
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
    incoming: z.int().openapi({ description: 'Units of all arrivals' }),
    locations: z.array(z.string()),
    atLocation: z
      .object({
        location: z.string(),
        onHand: z.int().nullable(),
        reserved: z.int().nullable(),
        allocated: z.int().nullable(),
      })
      .optional()
      .openapi({
        description:
          'With `location` only: what is there, its lots added up. null until the item moves for the first time after an upgrade.',
      }),
  })
  .openapi('StockItem')
