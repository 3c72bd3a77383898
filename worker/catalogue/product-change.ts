import type { EventType } from '../../schema/event-types.ts'
import type { Product } from '../../schema/http/product.ts'

export interface ProductEvent {
  type: EventType
  data: unknown
}

interface PriceChange {
  sku: string
  currency: string
  /** Minor units; null where there was, or is, none. */
  from: number | null
  to: number | null
}

/** What a change has to be told: nothing when it changes nothing. */
export function eventsOfChange(before: Product | null, after: Product | null): ProductEvent[] {
  if (!after) return before ? [{ type: 'product.deleted', data: publish(before) }] : []
  if (!before) return [{ type: 'product.created', data: publish(after) }]
  if (isSameProduct(before, after)) return []
  const changes = priceChanges(before, after)
  const updated: ProductEvent = { type: 'product.updated', data: publish(after) }
  if (changes.length === 0) return [updated]
  return [updated, { type: 'price.changed', data: { handle: after.handle, changes } }]
}

/** `updatedAt` is not a change, and neither is the order of an object's members. */
export function isSameProduct(a: Product, b: Product): boolean {
  return isSameJson({ ...a, updatedAt: '' }, { ...b, updatedAt: '' })
}

/** The merchant's `metadata` is their own; all else is what partners need. */
function publish(product: Product): Omit<Product, 'metadata'> {
  const { metadata: _metadata, ...published } = product
  return published
}

function priceChanges(before: Product, after: Product): PriceChange[] {
  const old = new Map(before.variants.map(({ sku, prices }) => [sku, prices]))
  // A variant that is new or gone is told by the product's own event.
  return after.variants.flatMap(({ sku, prices }) => {
    const was = old.get(sku)
    if (!was) return []
    const currencies = [...new Set([...Object.keys(was), ...Object.keys(prices)])]
    return currencies
      .map((currency) => ({ sku, currency, from: was[currency] ?? null, to: prices[currency] ?? null }))
      .filter(({ from, to }) => from !== to)
  })
}

function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        isSameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  )
}
