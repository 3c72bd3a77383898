import type { Category, Product, ProductItem, ProductPage } from '../../schema/http/product.ts'
import { type Card, type CardVariant, cardOf } from './card.ts'
import { nameIn, pathTo } from './category-tree.ts'
import { type Bands, bestOf, leastBand } from './combine-bands.ts'
import { textIn } from './localized-text.ts'

/** A listing shows so many variants of each product; the page has all. */
const LISTED_VARIANTS_MAX = 5

export interface Audience {
  currency: string
  locale: string
}

/** The listing's entry, or null when nothing of it has a price in the currency. SKUs that were asked for come first. */
export function presentItem(
  card: Card,
  audience: Audience,
  bands: Bands,
  askedSkus: readonly string[] = [],
): ProductItem | null {
  const title = textIn(card.titles, audience.locale) ?? card.title
  const all = shownVariants(card, title, audience, bands)
  const first = all[0]
  if (!first) return null
  const cheapest = all.reduce((least, each) => (each.price.amount < least.price.amount ? each : least), first)
  const asked = all.filter(({ sku }) => askedSkus.includes(sku))
  const rest = all.filter(({ sku }) => !askedSkus.includes(sku))
  return {
    id: card.id,
    handle: card.handle,
    title,
    image: card.image,
    price: cheapest.price,
    compareAtPrice: cheapest.compareAtPrice,
    availability: bestOf(all.map(({ availability }) => availability)),
    variantCount: all.length,
    variants: [...asked, ...rest].slice(0, Math.max(LISTED_VARIANTS_MAX, asked.length)),
  }
}

/** The whole page, or null when nothing of it has a price in the currency. */
export function presentPage(
  product: Product,
  audience: Audience,
  bands: Bands,
  categories: Category[],
): ProductPage | null {
  const card = cardOf(product)
  const item = presentItem(card, audience, bands)
  if (!item) return null
  const paths = product.categories
    .map((handle) => pathTo(categories, handle))
    .filter(({ length }) => length > 0)
  const link = (category: Category) => ({
    handle: category.handle,
    name: nameIn(category, audience.locale),
  })
  const text = textIn(product.translations, audience.locale)
  const bySku = new Map(product.variants.map((variant) => [variant.sku, variant]))
  return {
    ...item,
    description: text?.description ?? product.description,
    options: product.options,
    attributes: product.attributes,
    media: product.media.map(({ key: _key, ...shown }) => shown),
    variants: shownVariants(card, item.title, audience, bands).map((variant) => {
      const { weightGrams, barcode, requiresShipping, maxPerOrder } = bySku.get(variant.sku)!
      return { ...variant, weightGrams, barcode, requiresShipping, maxPerOrder }
    }),
    categories: paths.map((path) => link(path.at(-1)!)),
    breadcrumbs: (paths[0] ?? []).map(link),
    createdAt: product.createdAt,
    updatedAt: product.updatedAt,
  }
}

/** The items whose bands a card needs. */
export function itemsOf(card: Card): string[] {
  return card.variants.flatMap(({ items }) => items)
}

function shownVariants(card: Card, title: string, { currency }: Audience, bands: Bands) {
  return card.variants.flatMap((variant) => {
    const price = amountIn(variant.prices, currency)
    if (!price) return []
    return [
      {
        id: variant.id,
        sku: variant.sku,
        title: variant.title ?? title,
        options: variant.options,
        price,
        compareAtPrice: amountIn(variant.compareAtPrices, currency),
        availability: leastBand(variant.items, bands),
      },
    ]
  })
}

function amountIn(prices: CardVariant['prices'], currency: string) {
  const amount = prices[currency]
  return amount === undefined ? null : { amount, currency }
}
