import { z } from '@hono/zod-openapi'
import { SCOPES } from '../event-types.ts'
import { amountMinorSchema, currencySchema } from '../money.ts'
import { handleSchema } from '../quantity.ts'
import { JURISDICTIONS, REGIONS } from '../store-ref.ts'
import { countrySchema } from './address.ts'
import { localeSchema, plainText } from './plain-text.ts'

/** A day: longer holds would let carts empty a shelf. The least is what a test of expiry can wait for. */
export const HOLD_TTL_SECONDS_MIN = 2
export const HOLD_TTL_SECONDS_MAX = 86_400
/** ISO 3166-1 has 249 assigned codes. */
const COUNTRIES_MAX = 250
const LOCALES_MAX = 20
/** Policies are texts or links that a storefront shows: terms, returns, privacy. */
const POLICIES_MAX = 20
const HOSTNAMES_MAX = 20

const name = plainText(200)
const countries = z
  .array(countrySchema)
  .max(COUNTRIES_MAX)
  .transform((codes) => [...new Set(codes)])
  .openapi({ description: 'ISO 3166-1 alpha-2; empty: every country' })
export const pricesSchema = z
  .record(currencySchema, amountMinorSchema)
  .refine((prices) => Object.keys(prices).length <= 50, 'has more than 50 currencies')
  .openapi({ example: { EUR: 1999 }, description: 'Minor units by currency' })

export const marketBodySchema = z
  .strictObject({
    name: name.optional(),
    countries: countries.default([]),
    currency: currencySchema,
    locales: z.array(localeSchema).min(1).max(LOCALES_MAX).default(['en']).openapi({
      description: 'First is the default of the market',
    }),
    pricesIncludeTax: z.boolean().default(true),
  })
  .openapi('MarketBody')
export const marketSchema = z
  .object({
    code: z.string(),
    name: z.string(),
    countries: z.array(z.string()),
    currency: z.string(),
    locales: z.array(z.string()),
    pricesIncludeTax: z.boolean(),
  })
  .openapi('Market')

export const locationBodySchema = z
  .strictObject({
    name: name.optional(),
    priority: z.int().min(0).max(1_000_000).default(0).openapi({ description: 'Lower gives first' }),
  })
  .openapi('LocationBody')
export const locationSchema = z
  .object({ code: z.string(), name: z.string(), priority: z.int() })
  .openapi('Location')

export const taxRateBodySchema = z
  .strictObject({
    name: name.optional(),
    country: countrySchema,
    region: plainText(100).nullable().optional(),
    taxCategory: handleSchema.default('standard'),
    rate: z
      .string()
      .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'is not a decimal from 0 to 1 with at most 6 places')
      .openapi({ example: '0.19' }),
    validFrom: z
      .union([z.iso.date(), z.iso.datetime()])
      .nullable()
      .optional()
      .openapi({ example: '2027-01-01' }),
    isReverseCharge: z.boolean().default(false).openapi({
      description:
        'A business with a VAT number of this country owes the tax itself. For the rates of other countries than your own.',
    }),
  })
  .openapi('TaxRateBody')
export const taxRateSchema = z
  .object({
    code: z.string(),
    name: z.string(),
    country: z.string(),
    region: z.string().nullable(),
    taxCategory: z.string(),
    rate: z.string(),
    validFrom: z.string().nullable(),
    isReverseCharge: z.boolean(),
  })
  .openapi('TaxRate')

export const shippingMethodBodySchema = z
  .strictObject({
    title: name.optional(),
    countries: countries.default([]),
    prices: pricesSchema
      .refine((prices) => Object.keys(prices).length > 0, 'has no price')
      .openapi({
        description:
          'Minor units by currency. Not offered in a currency without a price, except that a method whose every price is 0 is free in any currency.',
      }),
  })
  .openapi('ShippingMethodBody')
export const shippingMethodSchema = z
  .object({
    code: z.string(),
    title: z.string(),
    countries: z.array(z.string()),
    prices: z.record(z.string(), z.int()),
  })
  .openapi('ShippingMethod')

export const storePatchSchema = z
  .strictObject({
    name: name.optional(),
    defaultMarket: handleSchema.optional(),
    holdTtlSeconds: z.int().min(HOLD_TTL_SECONDS_MIN).max(HOLD_TTL_SECONDS_MAX).optional(),
    capture: z.enum(['automatic', 'manual']).optional(),
    lowStockThreshold: z.int().min(0).max(1_000_000).optional(),
    storefrontUrl: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .nullable()
      .optional(),
    policies: z
      .record(plainText(40), plainText(20_000))
      .refine(
        (entries) => Object.keys(entries).length <= POLICIES_MAX,
        `has more than ${POLICIES_MAX} entries`,
      )
      .optional(),
  })
  .openapi('StorePatch')

export const putStoreSchema = z
  .strictObject({
    name: name.optional(),
    jurisdiction: z.enum(JURISDICTIONS).nullable().optional(),
    region: z.enum(REGIONS).nullable().optional(),
    hostnames: z
      .array(
        z
          .string()
          .max(253)
          .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'is not a lower-case hostname'),
      )
      .max(HOSTNAMES_MAX)
      .optional(),
  })
  .openapi('PutStore')

export const storeSchema = z
  .object({
    slug: z.string(),
    name: z.string(),
    jurisdiction: z.string().nullable(),
    region: z.string().nullable(),
    defaultMarket: z.string(),
    holdTtlSeconds: z.int(),
    capture: z.enum(['automatic', 'manual']),
    lowStockThreshold: z.int(),
    storefrontUrl: z.string().nullable(),
    policies: z.record(z.string(), z.string()),
  })
  .openapi('Store')

/** What a storefront needs to start: markets to choose from, policies to show, ways to pay. */
export const publicStoreSchema = z
  .object({
    slug: z.string(),
    name: z.string(),
    defaultMarket: z.string(),
    holdTtlSeconds: z.int(),
    storefrontUrl: z.string().nullable(),
    policies: z.record(z.string(), z.string()),
    markets: z.array(marketSchema),
    currencies: z.array(z.string()).openapi({ description: 'Of all markets' }),
    locales: z.array(z.string()).openapi({ description: 'Of all markets' }),
    paymentMethods: z.array(z.object({ provider: z.string(), publicKey: z.string().optional() })),
  })
  .openapi('PublicStore')

export const newApiKeySchema = z
  .strictObject({
    name,
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .max(SCOPES.length)
      .transform((scopes) => [...new Set(scopes)]),
  })
  .openapi('NewApiKey')
export const apiKeySchema = z
  .object({ id: z.string(), name: z.string(), scopes: z.array(z.enum(SCOPES)), createdAt: z.string() })
  .openapi('ApiKey')
export const shownApiKeySchema = apiKeySchema
  .extend({
    key: z.string().nullable().openapi({
      description:
        'The key itself, shown only here. Null in a replay after the root key was changed: make another key.',
    }),
  })
  .openapi('ShownApiKey')

export type MarketBody = z.infer<typeof marketBodySchema>
export type LocationBody = z.infer<typeof locationBodySchema>
export type TaxRateBody = z.infer<typeof taxRateBodySchema>
export type ShippingMethodBody = z.infer<typeof shippingMethodBodySchema>
export type StorePatch = z.infer<typeof storePatchSchema>
export type PutStore = z.infer<typeof putStoreSchema>
export type StoreView = z.infer<typeof storeSchema>
export type PublicStore = z.infer<typeof publicStoreSchema>
export type NewApiKey = z.infer<typeof newApiKeySchema>
