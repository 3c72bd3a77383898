import type { Bilingual } from './product-forms.ts'

/** Where each unit of the demo store is; `main` is the location that every store is born with. */
export const LOCATIONS = [{ code: 'berlin', name: 'Berlin', priority: 10 }]

export const MARKETS = [
  {
    code: 'eu',
    name: 'Europe',
    countries: ['DE', 'AT', 'BE', 'ES', 'FR', 'IE', 'IT', 'NL'],
    currency: 'EUR',
    locales: ['en', 'de'],
    pricesIncludeTax: true,
  },
  {
    code: 'uk',
    name: 'United Kingdom',
    countries: ['GB'],
    currency: 'GBP',
    locales: ['en'],
    pricesIncludeTax: true,
  },
  {
    code: 'us',
    name: 'United States',
    countries: ['US'],
    currency: 'USD',
    locales: ['en'],
    pricesIncludeTax: false,
  },
]

/** Rates as of 2026, for a demonstration: a merchant asks an adviser. */
const STANDARD_RATES: Record<string, string> = {
  DE: '0.19',
  AT: '0.20',
  BE: '0.21',
  ES: '0.21',
  FR: '0.20',
  IE: '0.23',
  IT: '0.22',
  NL: '0.21',
  GB: '0.20',
}
/** Books and food. */
const REDUCED_RATES: Record<string, string> = {
  DE: '0.07',
  AT: '0.10',
  BE: '0.06',
  ES: '0.10',
  FR: '0.055',
  IE: '0.09',
  IT: '0.10',
  NL: '0.09',
  GB: '0',
}
const SALES_TAX: Record<string, string> = { CA: '0.0725', NY: '0.04', TX: '0.0625', WA: '0.065' }

export const TAX_RATES = [
  ...Object.entries(STANDARD_RATES).map(([country, rate]) => vat(country, 'standard', rate)),
  ...Object.entries(REDUCED_RATES).map(([country, rate]) => vat(country, 'reduced', rate)),
  ...Object.entries(SALES_TAX).flatMap(([region, rate]) =>
    ['standard', 'reduced'].map((taxCategory) => ({
      code: `us-${region.toLowerCase()}-${taxCategory}`,
      name: `${region} sales tax`,
      country: 'US',
      region,
      taxCategory,
      rate,
    })),
  ),
]

function vat(country: string, taxCategory: string, rate: string) {
  return { code: `${country.toLowerCase()}-${taxCategory}`, name: 'VAT', country, taxCategory, rate }
}

/** Beside `standard`, which every store is born with and which is free everywhere. */
export const SHIPPING_METHODS = [
  { code: 'express', title: 'Express', countries: [], prices: { EUR: 990, GBP: 890, USD: 1490 } },
]

export interface DemoCategory {
  handle: string
  name: Bilingual
  parent: string | null
}

/** Parents before children. */
export const CATEGORIES: DemoCategory[] = [
  { handle: 'clothing', name: ['Clothing', 'Kleidung'], parent: null },
  { handle: 'tops', name: ['Tops', 'Oberteile'], parent: 'clothing' },
  { handle: 'outerwear', name: ['Outerwear', 'Jacken'], parent: 'clothing' },
  { handle: 'accessories', name: ['Accessories', 'Accessoires'], parent: 'clothing' },
  { handle: 'home', name: ['Home', 'Zuhause'], parent: null },
  { handle: 'kitchen', name: ['Kitchen', 'Küche'], parent: 'home' },
  { handle: 'light', name: ['Light', 'Licht'], parent: 'home' },
  { handle: 'textiles', name: ['Textiles', 'Textilien'], parent: 'home' },
  { handle: 'outdoor', name: ['Outdoor', 'Draußen'], parent: null },
  { handle: 'camp', name: ['Camp', 'Lager'], parent: 'outdoor' },
  { handle: 'bags', name: ['Bags', 'Taschen'], parent: 'outdoor' },
  { handle: 'reading', name: ['Reading', 'Lesen'], parent: null },
  { handle: 'pantry', name: ['Pantry', 'Vorrat'], parent: null },
  { handle: 'services', name: ['Services', 'Dienste'], parent: null },
]
