import { z } from '@hono/zod-openapi'
import { localeSchema } from '../../schema/http/plain-text.ts'
import { AMOUNT_MINOR_MAX } from '../../schema/money.ts'
import { handleSchema, skuSchema } from '../../schema/quantity.ts'
import { pageQuery } from '../http/paging.ts'
import { Problem } from '../http/problem.ts'
import { type Market, marketOf, type Store } from '../stores/store.ts'
import { SORTS } from './listing-query.ts'

/** 50: what a cart page or a comparison shows; each is a look-up, or one live request. */
export const LOOKUPS_MAX = 50
const QUERY_LENGTH_MAX = 200

export const audienceQuery = {
  market: z.string().max(100).optional().openapi({ description: "Default: the store's `defaultMarket`" }),
  locale: localeSchema.optional(),
}

/** A parameter that may be repeated. */
function repeated<T extends z.ZodType<string>>(each: T, max: number) {
  return z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(each).max(max).optional(),
  )
}

const amount = z.coerce.number().int().min(0).max(AMOUNT_MINOR_MAX).optional().openapi({ type: 'integer' })

export const listingQuerySchema = z.object({
  ...audienceQuery,
  ...pageQuery,
  q: z
    .string()
    .max(QUERY_LENGTH_MAX)
    .optional()
    .openapi({ description: 'Words that the title has, without regard to case and accents' }),
  category: handleSchema.optional().openapi({ description: 'With everything below it' }),
  minPrice: amount.openapi({ description: 'Minor units; of the price shown, the least of a product' }),
  maxPrice: amount,
  inStock: z
    .enum(['true', 'false', '1', '0'])
    .transform((text) => text === 'true' || text === '1')
    .optional()
    .openapi({ type: 'string', description: 'true: only what is in_stock or low_stock' }),
  sort: z
    .enum(SORTS)
    .optional()
    .openapi({ description: 'Default newest; `title` and prices are those of the default language' }),
  handle: repeated(handleSchema, LOOKUPS_MAX).openapi({
    type: 'array',
    items: { type: 'string' },
    description: 'Look-up, repeatable, up to 50: all of them in handle order, other filters and paging aside',
  }),
  sku: repeated(skuSchema, LOOKUPS_MAX).openapi({
    type: 'array',
    items: { type: 'string' },
    description: 'Look-up by SKU, as `handle`; the variants asked for come first',
  }),
})

export const availabilityQuerySchema = z.object({
  sku: repeated(skuSchema, LOOKUPS_MAX)
    .pipe(z.array(skuSchema).min(1).max(LOOKUPS_MAX))
    .openapi({ type: 'array', items: { type: 'string' }, description: 'Repeatable, 1 to 50' }),
})

/** The market that was asked for or the default one, never a guess from the network; and the language there. */
export function audienceOf(
  store: Store,
  query: { market?: string | undefined; locale?: string | undefined },
): { market: Market; locale: string } {
  const market = marketOf(store, query.market)
  if (!market) throw new Problem('market_not_found')
  return { market, locale: query.locale ?? market.locales[0] ?? 'en' }
}
