import { type DemoProduct, pricesOf, single, special } from './product-forms.ts'

const reduced = { taxCategory: 'reduced' }

export const OTHER: DemoProduct[] = [
  single(
    {
      handle: 'tide-almanac',
      title: ['Tide almanac', 'Gezeitenkalender'],
      description: ['Every tide of the coast for a year.', 'Jede Tide der Küste für ein Jahr.'],
      categories: ['reading'],
      ...reduced,
    },
    'BOOK-TIDES',
    1890,
    { weightGrams: 410 },
  ),
  single(
    {
      handle: 'field-guide-birds',
      title: ['Field guide: sea birds', 'Bestimmungsbuch: Seevögel'],
      description: ['With drawings, fits a coat pocket.', 'Mit Zeichnungen, passt in die Manteltasche.'],
      categories: ['reading'],
      ...reduced,
    },
    'BOOK-BIRDS',
    2490,
    { weightGrams: 380 },
  ),
  single(
    {
      handle: 'log-book',
      title: ['Log book', 'Logbuch'],
      description: ['Ruled, bound in cloth.', 'Liniert, in Leinen gebunden.'],
      categories: ['reading'],
    },
    'BOOK-LOG',
    1690,
    { weightGrams: 350 },
  ),
  special(
    {
      handle: 'knots-ebook',
      title: ['Forty knots (e-book)', 'Vierzig Knoten (E-Book)'],
      description: [
        'A download: nothing ships, nothing runs out.',
        'Ein Download: nichts reist, nichts geht aus.',
      ],
      categories: ['reading'],
      ...reduced,
    },
    { sku: 'EBOOK-KNOTS', prices: pricesOf(990), trackStock: false, requiresShipping: false },
  ),
  single(
    {
      handle: 'heather-honey',
      title: ['Heather honey', 'Heidehonig'],
      description: ['From the hill behind the harbour.', 'Vom Hügel hinter dem Hafen.'],
      categories: ['pantry'],
      ...reduced,
    },
    'HONEY-500',
    890,
    { weightGrams: 760 },
  ),
  single(
    {
      handle: 'sea-salt',
      title: ['Sea salt', 'Meersalz'],
      description: ['Raked by hand.', 'Von Hand geharkt.'],
      categories: ['pantry'],
      ...reduced,
    },
    'SALT-250',
    590,
    { weightGrams: 280 },
  ),
  single(
    {
      handle: 'harbour-coffee',
      title: ['Harbour coffee', 'Hafenkaffee'],
      description: ['Dark beans for the early watch.', 'Dunkle Bohnen für die Frühwache.'],
      categories: ['pantry'],
      ...reduced,
    },
    'COFFEE-500',
    1490,
    { weightGrams: 520, units: { main: 900, berlin: 350 } },
  ),
  single(
    {
      handle: 'black-tea',
      title: ['Black tea', 'Schwarztee'],
      description: ['Strong enough for cream.', 'Kräftig genug für Sahne.'],
      categories: ['pantry'],
      ...reduced,
    },
    'TEA-250',
    790,
    { weightGrams: 270 },
  ),
  special(
    {
      handle: 'gift-wrapping',
      title: ['Gift wrapping', 'Geschenkverpackung'],
      description: ['Paper, string, a card. Not counted.', 'Papier, Schnur, eine Karte. Nicht gezählt.'],
      categories: ['services'],
    },
    { sku: 'WRAP-GIFT', prices: pricesOf(490), trackStock: false, maxPerOrder: 10 },
  ),
]

/** Items sold beyond what is there, and until when the next batch comes is said on the page. */
export const BACKORDERS = [{ item: 'TENT-2', backorderLimit: 20 }]
