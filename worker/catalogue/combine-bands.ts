import type { ShownAvailability } from '../../schema/http/product.ts'
import type { Band } from '../../schema/rpc/source.ts'

export type Bands = Map<string, { band: Band; availableOn: string | null }>

/** From what cannot be bought to what can without a thought. */
const ORDER: readonly Band[] = ['out_of_stock', 'backorder', 'low_stock', 'in_stock']

/** Of something that consumes items: the least of them, since all must be there. Nothing consumed: always in stock. */
export function leastBand(items: readonly string[], bands: Bands): ShownAvailability {
  let status: Band = 'in_stock'
  let availableOn: string | undefined
  for (const item of items) {
    const known = bands.get(item)
    const band = known?.band ?? 'out_of_stock'
    if (ORDER.indexOf(band) < ORDER.indexOf(status)) status = band
    // All items must be there, so the latest day is the one to promise.
    if (known?.availableOn && (!availableOn || known.availableOn > availableOn))
      availableOn = known.availableOn
  }
  return availableOn === undefined ? { status } : { status, availableOn }
}

/** Of a product: the best of its variants, since any one will do. */
export function bestOf(variants: readonly ShownAvailability[]): ShownAvailability {
  return variants.reduce<ShownAvailability>(
    (best, each) => (ORDER.indexOf(each.status) > ORDER.indexOf(best.status) ? each : best),
    variants[0] ?? { status: 'out_of_stock' },
  )
}
