import { z } from '@hono/zod-openapi'
import { moneySchema } from '../money.ts'
import { handleSchema, LINE_QUANTITY_MAX, skuSchema } from '../quantity.ts'
import { orNull } from './or-null.ts'
import { localeSchema, plainText } from './plain-text.ts'
import { pricesSchema } from './settings.ts'
import { propertiesSchema } from './totals.ts'

/** 250 variants: five options multiply quickly, and a person still has to choose one. A cart's facts stay one row a variant. */
export const VARIANTS_MAX = 250
export const OPTIONS_MAX = 5
export const MEDIA_MAX = 50
export const PRODUCT_CATEGORIES_MAX = 20
const ATTRIBUTES_MAX = 50
const TRANSLATIONS_MAX = 20
const TITLE_LENGTH_MAX = 200
const DESCRIPTION_LENGTH_MAX = 20_000
/** A bundle of 20 different items is a hamper; each is one more object to hold at checkout. */
const STOCK_ITEMS_MAX = 20

const atMost = (max: number) => (entries: object) => Object.keys(entries).length <= max

const option = z.strictObject({
  name: plainText(60),
  values: z.array(plainText(100)).max(VARIANTS_MAX).default([]),
})

const mediaBodySchema = z
  .strictObject({
    key: z.string().max(300).optional().openapi({ description: 'As the upload answered it' }),
    url: z.string().max(2_000).optional().openapi({ description: 'Instead of `key`: an address elsewhere' }),
    alt: plainText(500, 0).optional(),
    width: z.int().min(1).max(100_000).optional(),
    height: z.int().min(1).max(100_000).optional(),
    type: plainText(100).optional(),
  })
  .openapi('MediaBody')

const variantBodySchema = z
  .strictObject({
    sku: skuSchema,
    options: z
      .record(plainText(60), plainText(100))
      .refine(atMost(OPTIONS_MAX), `has more than ${OPTIONS_MAX} options`)
      .optional(),
    prices: pricesSchema.optional(),
    compareAtPrices: pricesSchema.optional(),
    weightGrams: z.int().min(0).max(100_000_000).nullable().optional(),
    barcode: plainText(64).nullable().optional(),
    requiresShipping: z
      .boolean()
      .optional()
      .openapi({ description: 'Default true; false for digital goods' }),
    trackStock: z.boolean().optional().openapi({ description: 'Default true; false: always in stock' }),
    stock: z
      .array(z.strictObject({ item: skuSchema, quantity: z.int().min(1).max(1_000).default(1) }))
      .min(1)
      .max(STOCK_ITEMS_MAX)
      .optional()
      .openapi({ description: 'What one unit consumes; default one unit of the item named like the SKU' }),
    maxPerOrder: z.int().min(1).max(LINE_QUANTITY_MAX).nullable().optional(),
    maxPerCustomer: z.int().min(1).max(LINE_QUANTITY_MAX).nullable().optional().openapi({
      description:
        'What one customer, known by the email of the contact, may have over all carts and orders. Orders count from when there is a limit.',
    }),
  })
  .openapi('VariantBody')

const attributeValue = z.union([plainText(500, 0), z.number(), z.boolean(), z.array(plainText(200)).max(50)])

export const productPatchSchema = z
  .strictObject({
    title: plainText(TITLE_LENGTH_MAX).optional(),
    description: plainText(DESCRIPTION_LENGTH_MAX, 0).optional(),
    status: z.enum(['active', 'draft', 'archived']).optional(),
    options: z
      .array(z.union([option, plainText(60).transform((name) => ({ name, values: [] as string[] }))]))
      .max(OPTIONS_MAX)
      .optional()
      .openapi({ description: 'In the order in which they are shown; values that variants use are added' }),
    attributes: z
      .record(plainText(60), attributeValue)
      .refine(atMost(ATTRIBUTES_MAX), `has more than ${ATTRIBUTES_MAX} entries`)
      .optional(),
    categories: z.array(handleSchema).max(PRODUCT_CATEGORIES_MAX).optional().openapi({
      description: 'Handles; one that does not exist (yet) is kept and shown once it does',
    }),
    translations: z
      .record(
        localeSchema,
        z.strictObject({
          title: plainText(TITLE_LENGTH_MAX).optional(),
          description: plainText(DESCRIPTION_LENGTH_MAX, 0).optional(),
        }),
      )
      .refine(atMost(TRANSLATIONS_MAX), `has more than ${TRANSLATIONS_MAX} entries`)
      .optional(),
    taxCategory: handleSchema.optional(),
    media: z.array(mediaBodySchema).max(MEDIA_MAX).optional(),
    metadata: propertiesSchema.optional(),
    variants: z.array(variantBodySchema).max(VARIANTS_MAX).optional(),
  })
  .openapi('ProductPatch')

/** Not `extend()`, which would be described as both at once, each forbidding what the other adds. */
export const putProductSchema = z
  .strictObject({ ...productPatchSchema.shape, title: plainText(TITLE_LENGTH_MAX) })
  .openapi('PutProduct')

const mediaSchema = z
  .object({
    key: z.string().nullable(),
    url: z.string(),
    alt: z.string().nullable(),
    width: z.int().nullable(),
    height: z.int().nullable(),
    type: z.string().nullable(),
  })
  .openapi('Media')
const optionSchema = z.object({ name: z.string(), values: z.array(z.string()) })
const attributesSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
)
const amountsSchema = z.record(z.string(), z.int())

/** The product as its editors see it, and as it is stored. */
export const productSchema = z
  .object({
    id: z.string(),
    handle: z.string(),
    title: z.string(),
    description: z.string(),
    status: z.enum(['active', 'draft', 'archived']),
    options: z.array(optionSchema),
    attributes: attributesSchema,
    categories: z.array(z.string()),
    translations: z.record(
      z.string(),
      z.object({ title: z.string().optional(), description: z.string().optional() }),
    ),
    taxCategory: z.string(),
    media: z.array(mediaSchema),
    metadata: z.record(z.string(), z.string()),
    variants: z.array(
      z.object({
        id: z.string(),
        sku: z.string(),
        options: z.record(z.string(), z.string()),
        prices: amountsSchema,
        compareAtPrices: amountsSchema,
        weightGrams: z.int().nullable(),
        barcode: z.string().nullable(),
        requiresShipping: z.boolean(),
        trackStock: z.boolean(),
        stock: z.array(z.object({ item: z.string(), quantity: z.int() })),
        maxPerOrder: z.int().nullable(),
        maxPerCustomer: z.int().nullable(),
      }),
    ),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .openapi('Product')

export const availabilitySchema = z
  .object({
    status: z.enum(['in_stock', 'low_stock', 'out_of_stock', 'backorder']),
    availableOn: z.string().optional(),
  })
  .openapi('Availability')

const maybeMoney = orNull(moneySchema)

const shownVariantSchema = z
  .object({
    id: z.string(),
    sku: z.string(),
    title: z.string(),
    options: z.record(z.string(), z.string()),
    price: moneySchema,
    compareAtPrice: maybeMoney,
    availability: availabilitySchema,
  })
  .openapi('ShownVariant')

/** One entry of a listing. */
export const productItemSchema = z
  .object({
    id: z.string(),
    handle: z.string(),
    title: z.string(),
    image: z.string().nullable(),
    price: moneySchema,
    compareAtPrice: maybeMoney,
    availability: availabilitySchema,
    variantCount: z.int(),
    variants: z.array(shownVariantSchema).openapi({ description: 'The first five' }),
  })
  .openapi('ProductItem')

const categoryLink = z.object({ handle: z.string(), name: z.string() })

/** The whole product as shoppers see it in one market and locale. */
export const productPageSchema = productItemSchema
  .extend({
    description: z.string(),
    options: z.array(optionSchema),
    attributes: attributesSchema,
    media: z.array(mediaSchema.omit({ key: true })),
    variants: z.array(
      shownVariantSchema.extend({
        weightGrams: z.int().nullable(),
        barcode: z.string().nullable(),
        requiresShipping: z.boolean(),
        maxPerOrder: z.int().nullable(),
      }),
    ),
    categories: z.array(categoryLink),
    breadcrumbs: z.array(categoryLink).openapi({ description: 'From the root to its first category' }),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .openapi('ProductPage')

export const liveAvailabilitySchema = z
  .object({
    sku: z.string(),
    available: z.int().nullable().openapi({ description: 'Null where stock is not tracked' }),
    status: z.enum(['in_stock', 'low_stock', 'out_of_stock', 'backorder', 'unknown']),
    backorder: z.int(),
    availableOn: z.string().nullable(),
    asOf: z.string(),
  })
  .openapi('LiveAvailability')

export const categoryBodySchema = z
  .strictObject({
    name: plainText(TITLE_LENGTH_MAX),
    parent: handleSchema.nullable().optional(),
    position: z.int().min(0).max(1_000_000).optional(),
    translations: z
      .record(localeSchema, z.strictObject({ name: plainText(TITLE_LENGTH_MAX).optional() }))
      .refine(atMost(TRANSLATIONS_MAX), `has more than ${TRANSLATIONS_MAX} entries`)
      .optional(),
  })
  .openapi('CategoryBody')

export const categorySchema = z
  .object({
    handle: z.string(),
    name: z.string(),
    parent: z.string().nullable(),
    position: z.int(),
    translations: z.record(z.string(), z.object({ name: z.string().optional() })),
  })
  .openapi('Category')

/** A node of the tree that shoppers see. */
export interface CategoryNode {
  handle: string
  name: string
  children: CategoryNode[]
}
export const categoryNodeSchema: z.ZodType<CategoryNode> = z
  .object({
    handle: z.string(),
    name: z.string(),
    get children() {
      return z.array(categoryNodeSchema)
    },
  })
  .openapi('CategoryNode')

export type ProductPatch = z.infer<typeof productPatchSchema>
export type PutProduct = z.infer<typeof putProductSchema>
export type Product = z.infer<typeof productSchema>
export type Variant = Product['variants'][number]
export type Media = z.infer<typeof mediaSchema>
export type ProductItem = z.infer<typeof productItemSchema>
export type ProductPage = z.infer<typeof productPageSchema>
export type ShownAvailability = z.infer<typeof availabilitySchema>
export type LiveAvailability = z.infer<typeof liveAvailabilitySchema>
export type CategoryBody = z.infer<typeof categoryBodySchema>
export type Category = z.infer<typeof categorySchema>
