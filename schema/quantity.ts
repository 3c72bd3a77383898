import { z } from '@hono/zod-openapi'

/** 10^9 units at one position: sums over thousands of positions stay exact integers. */
export const QUANTITY_MAX = 1_000_000_000

/** 100,000 units of one SKU on one line: above any real basket, so that products with prices stay exact. */
export const LINE_QUANTITY_MAX = 100_000

/**
 * 1,000 lines in one cart: the largest invoice in the public "Online Retail" data has some 600, and the
 * purchase document stays below the 2 MB a row may have (platform limits of Durable Objects and D1).
 */
export const CART_LINES_MAX = 1_000

/** A SKU or stock item: 1 to 64 printable characters, case-sensitive; spaces inside are real data. */
export const skuSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{C}]+$/u, 'has a character that is not printable')
  .refine((sku) => sku.trim() === sku, 'begins or ends with a space')
  // Every URL parser takes these two for steps in the path, also when they are encoded.
  .refine((sku) => sku !== '.' && sku !== '..', 'cannot stand in an address')
  .openapi({
    example: 'TEE-BLACK-M',
    // Said again, since the generator writes the flag of a regular expression into the pattern.
    pattern: '^[^\\p{C}]+$',
  })

/** Codes and handles in paths: lower-case words joined by hyphens. */
export const handleSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[a-z0-9]+(?:[-_][a-z0-9]+)*$/, 'is not lower-case words joined by hyphens')
  .openapi({ example: 'organic-tee' })

export const quantitySchema = z.int().min(0).max(LINE_QUANTITY_MAX)
