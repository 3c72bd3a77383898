import type { Product } from '../../schema/http/product.ts'

/** What a listing needs of a product, in every currency and locale; a small row beside the whole document. */
export interface Card {
  id: string
  handle: string
  title: string
  titles: Record<string, string>
  image: string | null
  variants: CardVariant[]
}

export interface CardVariant {
  id: string
  sku: string
  /** `Black / M`; null for the one variant of a product without options. */
  title: string | null
  options: Record<string, string>
  prices: Record<string, number>
  compareAtPrices: Record<string, number>
  /** Items consumed; empty when the stock is not tracked. */
  items: string[]
}

export function cardOf(product: Product): Card {
  return {
    id: product.id,
    handle: product.handle,
    title: product.title,
    titles: titlesOf(product),
    image: product.media[0]?.url ?? null,
    variants: product.variants.map((variant) => ({
      id: variant.id,
      sku: variant.sku,
      title: variantTitle(product, variant.options),
      options: variant.options,
      prices: variant.prices,
      compareAtPrices: variant.compareAtPrices,
      items: variant.trackStock ? variant.stock.map(({ item }) => item) : [],
    })),
  }
}

export function titlesOf({ translations }: Product): Record<string, string> {
  return Object.fromEntries(
    Object.entries(translations).flatMap(([locale, { title }]) =>
      title === undefined ? [] : [[locale, title]],
    ),
  )
}

/** The values in the order of the product's options. */
export function variantTitle(product: Product, options: Record<string, string>): string | null {
  const values = product.options.flatMap(({ name }) => (Object.hasOwn(options, name) ? [options[name]!] : []))
  return values.length === 0 ? null : values.join(' / ')
}

/** The least price of any variant, by currency. */
export function leastPrices(product: Product): { currency: string; min: number }[] {
  const least = new Map<string, number>()
  for (const { prices } of product.variants) {
    for (const [currency, amount] of Object.entries(prices)) {
      least.set(currency, Math.min(amount, least.get(currency) ?? amount))
    }
  }
  return [...least].map(([currency, min]) => ({ currency, min }))
}

/** How titles sort and are searched: without case and accents, so that `Äpfel` stands by `Apfel`. */
export function titleKey(title: string): string {
  return title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim()
}
