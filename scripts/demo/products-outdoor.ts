import { type DemoProduct, pricesOf, single, special, variety } from './product-forms.ts'

export const OUTDOOR: DemoProduct[] = [
  variety(
    {
      handle: 'day-pack',
      title: ['Day pack', 'Tagesrucksack'],
      description: ['Twenty litres of waxed canvas.', 'Zwanzig Liter gewachstes Segeltuch.'],
      categories: ['bags'],
      attributes: { material: 'canvas' },
    },
    'PACK',
    8900,
    { Colour: ['Olive', 'Navy'] },
    820,
  ),
  variety(
    {
      handle: 'duffel',
      title: ['Duffel', 'Seesack'],
      description: ['Goes over the shoulder or under the bunk.', 'Über die Schulter oder unter die Koje.'],
      categories: ['bags'],
      attributes: { material: 'canvas' },
    },
    'DUFFEL',
    10900,
    { Size: ['40 l', '60 l'] },
    1_100,
  ),
  single(
    {
      handle: 'market-tote',
      title: ['Market tote', 'Markttasche'],
      description: ['Carries fifteen kilos.', 'Trägt fünfzehn Kilo.'],
      categories: ['bags'],
      attributes: { material: 'cotton' },
    },
    'TOTE-MARKET',
    1990,
    { weightGrams: 210 },
  ),
  single(
    {
      handle: 'dry-bag',
      title: ['Dry bag', 'Packsack'],
      description: ['Roll it three times and it floats.', 'Dreimal rollen, dann schwimmt er.'],
      categories: ['bags', 'camp'],
      attributes: { material: 'nylon', waterproof: 'yes' },
    },
    'BAG-DRY-20',
    2490,
    { weightGrams: 180 },
  ),
  single(
    {
      handle: 'two-person-tent',
      title: ['Two-person tent', 'Zweipersonenzelt'],
      description: [
        'Up in four minutes. Next batch on its way.',
        'Steht in vier Minuten. Nachschub ist unterwegs.',
      ],
      categories: ['camp'],
      attributes: { material: 'nylon', waterproof: 'yes' },
    },
    'TENT-2',
    34900,
    // None on hand: sold to order, see BACKORDERS.
    { weightGrams: 2_400, maxPerOrder: 2, units: {} },
  ),
  variety(
    {
      handle: 'sleeping-bag',
      title: ['Sleeping bag', 'Schlafsack'],
      description: ['Down, comfortable to zero degrees.', 'Daune, angenehm bis null Grad.'],
      categories: ['camp'],
      attributes: { material: 'down' },
    },
    'SLEEP',
    21900,
    { Size: ['Regular', 'Long'] },
    1_050,
  ),
  single(
    {
      handle: 'gas-stove',
      title: ['Gas stove', 'Gaskocher'],
      description: ['Boils half a litre in two minutes.', 'Kocht einen halben Liter in zwei Minuten.'],
      categories: ['camp'],
      attributes: { material: 'steel' },
    },
    'STOVE-GAS',
    5900,
    { weightGrams: 340 },
  ),
  single(
    {
      handle: 'folding-saw',
      title: ['Folding saw', 'Klappsäge'],
      description: ['Cuts on the pull.', 'Schneidet auf Zug.'],
      categories: ['camp'],
      attributes: { material: 'steel' },
    },
    'SAW-FOLD',
    3290,
    { weightGrams: 230 },
  ),
  single(
    {
      handle: 'camp-chair',
      title: ['Camp chair', 'Lagerstuhl'],
      description: [
        'Ash and canvas. Sold out until spring.',
        'Esche und Segeltuch. Bis zum Frühling ausverkauft.',
      ],
      categories: ['camp'],
      attributes: { material: 'ash' },
    },
    'CHAIR-CAMP',
    12900,
    { weightGrams: 3_100, units: {} },
  ),
  single(
    {
      handle: 'marine-rope',
      title: ['Rope, 20 m', 'Tau, 20 m'],
      description: ['Eight-strand, does not kink.', 'Achtfach geflochten, kinkt nicht.'],
      categories: ['camp'],
      attributes: { material: 'polyester' },
    },
    'ROPE-20',
    2900,
    { weightGrams: 1_250, units: { main: 400, berlin: 200 } },
  ),
  single(
    {
      handle: 'pocket-compass',
      title: ['Pocket compass', 'Taschenkompass'],
      description: ['Brass, liquid-damped.', 'Messing, flüssigkeitsgedämpft.'],
      categories: ['camp', 'accessories'],
      attributes: { material: 'brass' },
    },
    'COMPASS-POCKET',
    3900,
    { weightGrams: 95 },
  ),
  special(
    {
      handle: 'picnic-set',
      title: ['Picnic set', 'Picknickset'],
      description: [
        'A wool blanket and two blue mugs: units of the same blankets and mugs that are sold alone.',
        'Eine Wolldecke und zwei blaue Becher: dieselben, die es auch einzeln gibt.',
      ],
      categories: ['camp', 'textiles'],
      attributes: { material: 'wool' },
    },
    {
      sku: 'PICNIC-SET',
      prices: pricesOf(11490),
      weightGrams: 1_850,
      stock: [
        { item: 'BLANKET-WOOL', quantity: 1 },
        { item: 'MUG-BLUE', quantity: 2 },
      ],
    },
  ),
]
