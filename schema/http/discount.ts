import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { handleSchema, skuSchema } from '../quantity.ts'
import { plainText } from './plain-text.ts'
import { pricesSchema } from './settings.ts'

/** 100 entries in all: a discount travels with its store and with every cart that has it. What is larger is a category. */
const SCOPE_ENTRIES_MAX = 100
/** Of "buy 2, get 1": above any offer that fits on a poster. */
const OFFER_UNITS_MAX = 1_000
/** 10^9 uses: what a quota can count (QUANTITY_MAX). */
const USES_MAX = 1_000_000_000
/** As many as a store has markets. */
const MARKETS_MAX = 100

const entries = (schema: typeof skuSchema | typeof handleSchema) =>
  z.array(schema).max(SCOPE_ENTRIES_MAX).default([])
export const discountScopeSchema = z
  .strictObject({
    skus: entries(skuSchema),
    products: entries(handleSchema).openapi({ description: 'Handles' }),
    categories: entries(handleSchema).openapi({
      description: 'Handles; a category counts with all below it',
    }),
  })
  .refine(({ skus, products, categories }) => {
    const count = skus.length + products.length + categories.length
    return count > 0 && count <= SCOPE_ENTRIES_MAX
  }, `names nothing, or more than ${SCOPE_ENTRIES_MAX} in all`)
  .openapi('DiscountScope', { description: 'Lines whose SKU, product or category is named.' })

const share = z
  .string()
  .regex(/^(0\.\d{1,6}|1(\.0{1,6})?)$/, 'is not a decimal above 0 and up to 1 with at most 6 places')
  .refine((decimal) => /[1-9]/.test(decimal), 'is 0')
const prices = pricesSchema.refine((amounts) => Object.keys(amounts).length > 0, 'has no amount')
const instant = z.union([z.iso.date(), z.iso.datetime()]).nullable()

const limitsSchema = z
  .strictObject({
    minimumSpend: prices.nullable().default(null).openapi({
      description:
        'By currency, of what it applies to, before discounts. In a currency without one the discount is not given.',
    }),
    markets: z
      .array(handleSchema)
      .max(MARKETS_MAX)
      .default([])
      .openapi({ description: 'Empty: every market' }),
    uses: z.int().min(1).max(USES_MAX).nullable().default(null).openapi({ description: 'Orders in all' }),
    usesPerCustomer: z
      .int()
      .min(1)
      .max(USES_MAX)
      .nullable()
      .default(null)
      .openapi({ description: 'Orders of one customer, known by the email of the contact' }),
  })
  .openapi('DiscountLimits')

const percentage = {
  kind: z.literal('percentage'),
  value: share.openapi({ example: '0.10', description: 'The part that is taken off' }),
}
const fixed = {
  kind: z.literal('fixed'),
  value: prices.openapi({
    description:
      'Minor units by currency, off all that it applies to together. In a currency without one it is not given.',
  }),
}
const freeShipping = { kind: z.literal('free_shipping') }
const buyXGetY = {
  kind: z.literal('buy_x_get_y'),
  value: z.strictObject({
    buy: z.int().min(1).max(OFFER_UNITS_MAX),
    get: z.int().min(1).max(OFFER_UNITS_MAX),
    share: share.default('1').openapi({ description: 'The part taken off the units one gets; default all' }),
    from: discountScopeSchema.nullable().default(null).openapi({
      description:
        'What has to be bought. Null: the same as `appliesTo`, and of each `buy` + `get` units the cheapest count.',
    }),
  }),
}
const conditions = {
  title: plainText(200).optional(),
  appliesTo: discountScopeSchema.nullable().default(null).openapi({ description: 'Null: every line' }),
  limits: limitsSchema.prefault({}),
  isAutomatic: z.boolean().default(false).openapi({ description: 'Given without a code, where it fits' }),
  isCombinable: z.boolean().default(false).openapi({ description: 'May be given beside others that are' }),
  startsAt: instant.default(null),
  endsAt: instant
    .default(null)
    .openapi({ description: 'The first instant at which it is not given any more' }),
}

export const discountBodySchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ ...percentage, ...conditions }),
    z.strictObject({ ...fixed, ...conditions }),
    z.strictObject({ ...freeShipping, ...conditions }),
    z.strictObject({ ...buyXGetY, ...conditions }),
  ])
  .refine(
    ({ startsAt, endsAt }) => !startsAt || !endsAt || Date.parse(startsAt) < Date.parse(endsAt),
    'ends before it starts',
  )
  .refine(
    ({ isAutomatic, limits }) => !isAutomatic || (limits.uses === null && limits.usesPerCustomer === null),
    'counts uses, which only discounts with a code do',
  )
  .openapi('DiscountBody')

const named = { ...conditions, code: z.string(), title: z.string() }
export const discountSchema = z
  .discriminatedUnion('kind', [
    z.object({ ...percentage, ...named }),
    z.object({ ...fixed, ...named }),
    z.object({ ...freeShipping, ...named }),
    z.object({ ...buyXGetY, ...named }),
  ])
  .openapi('Discount')

export const givenDiscountSchema = z
  .object({
    code: z.string(),
    title: z.string(),
    amount: moneySchema.openapi({ description: 'What it takes off; 0 while it gives nothing' }),
    target: z
      .enum(['lines', 'shipping'])
      .openapi({ description: 'Off the lines, as summed up in `totals.discount`, or off `totals.shipping`' }),
    isAutomatic: z.boolean(),
  })
  .openapi('GivenDiscount')

export const discountCodeSchema = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(handleSchema)
  .openapi({ type: 'string', example: 'SUMMER-10', description: 'In upper or lower case' })

export type DiscountBody = z.infer<typeof discountBodySchema>
export type Discount = z.infer<typeof discountSchema>
export type DiscountScope = z.infer<typeof discountScopeSchema>
export type GivenDiscount = z.infer<typeof givenDiscountSchema>
