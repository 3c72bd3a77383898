/** Text in English and German. */
export type Bilingual = readonly [en: string, de: string]

export interface DemoVariant {
  sku: string
  options: Record<string, string>
  prices: Record<string, number>
  compareAtPrices?: Record<string, number>
  weightGrams?: number
  barcode?: string
  trackStock?: boolean
  requiresShipping?: boolean
  stock?: { item: string; quantity: number }[]
  maxPerOrder?: number
}

/** Units to receive for an item, by location. */
export type Units = Record<string, number>

export interface DemoProduct {
  handle: string
  title: Bilingual
  description: Bilingual
  categories: string[]
  taxCategory: string
  attributes: Record<string, string>
  options: { name: string; values: string[] }[]
  variants: DemoVariant[]
  /** By stock item; items of bundles stand with the product that sells them alone. */
  units: Record<string, Units>
}

interface Facts {
  handle: string
  title: Bilingual
  description: Bilingual
  categories: string[]
  attributes?: Record<string, string>
  /** `reduced` for books and food. */
  taxCategory?: string
}

/** Euro minor units to a price in each currency: without tax in the US, and ending in 9 as shop prices do. */
export function pricesOf(eur: number): Record<string, number> {
  const ending9 = (amount: number) => Math.max(99, Math.round(amount / 50) * 50 - 1)
  return { EUR: eur, GBP: ending9(eur * 0.86), USD: ending9(eur * 0.98) }
}

/** A product of one variant. `units` absent: a number derived from the SKU, the same on every run. */
export function single(
  facts: Facts,
  sku: string,
  eur: number,
  details: { units?: Units; weightGrams?: number; maxPerOrder?: number; wasEur?: number } = {},
): DemoProduct {
  const { units, wasEur, ...rest } = details
  const compareAtPrices = wasEur ? { compareAtPrices: pricesOf(wasEur) } : {}
  return {
    ...withDefaults(facts),
    options: [],
    variants: [{ sku, options: {}, prices: pricesOf(eur), ...compareAtPrices, ...rest }],
    units: { [sku]: units ?? derivedUnits(sku) },
  }
}

/** A product in every combination of its options; SKUs are the stem and the codes: `TEE` + `BLACK` + `M`. */
export function variety(
  facts: Facts,
  stem: string,
  eur: number,
  options: Record<string, readonly string[]>,
  weightGrams: number,
): DemoProduct {
  const names = Object.keys(options)
  const variants = combinations(Object.values(options)).map(
    (values): DemoVariant => ({
      sku: [stem, ...values.map((value) => value.toUpperCase().replaceAll(' ', '-'))].join('-'),
      options: Object.fromEntries(names.map((name, index) => [name, values[index]!])),
      prices: pricesOf(eur),
      weightGrams,
    }),
  )
  return {
    ...withDefaults(facts),
    options: Object.entries(options).map(([name, values]) => ({ name, values: [...values] })),
    variants,
    units: Object.fromEntries(variants.map(({ sku }) => [sku, derivedUnits(sku)])),
  }
}

/** A product whose one variant has stock of its own kind: a bundle, a download, a service. */
export function special(facts: Facts, variant: Omit<DemoVariant, 'options'>): DemoProduct {
  return { ...withDefaults(facts), options: [], variants: [{ ...variant, options: {} }], units: {} }
}

function withDefaults(facts: Facts) {
  return { attributes: {}, taxCategory: 'standard', ...facts }
}

/** 8 to 67 units, two thirds of them in `main`. */
function derivedUnits(sku: string): Units {
  let hash = 7
  for (const char of sku) hash = (hash * 31 + char.charCodeAt(0)) % 60_013
  const total = 8 + (hash % 60)
  const berlin = Math.floor(total / 3)
  return { main: total - berlin, berlin }
}

function combinations(lists: (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>(
    (rows, list) => rows.flatMap((row) => list.map((value) => [...row, value])),
    [[]],
  )
}
