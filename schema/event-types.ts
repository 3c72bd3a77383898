/**
 * The closed list of event types and the scope a reader needs to see each: by feed or by webhook, a reader
 * sees only events whose room its key may read. No event carries personal data (promise 9).
 */
export const EVENT_TYPES = {
  'product.created': 'catalogue:read',
  'product.updated': 'catalogue:read',
  'product.deleted': 'catalogue:read',
  'price.changed': 'catalogue:read',
  'stock.received': 'stock:read',
  'stock.adjusted': 'stock:read',
  'stock.counted': 'stock:read',
  'stock.transferred': 'stock:read',
  'stock.returned': 'stock:read',
  'stock.reserved': 'stock:read',
  'stock.released': 'stock:read',
  'stock.expired': 'stock:read',
  'stock.allocated': 'stock:read',
  'stock.deallocated': 'stock:read',
  'stock.fulfilled': 'stock:read',
  'stock.availability_changed': 'stock:read',
  'stock.shortage': 'stock:read',
  'stock.drift_detected': 'stock:read',
  'cart.expired': 'orders:read',
  'order.placed': 'orders:read',
  'order.paid': 'orders:read',
  'order.fulfilled': 'orders:read',
  'order.delivered': 'orders:read',
  'order.cancelled': 'orders:read',
  'order.refunded': 'orders:read',
  'order.returned': 'orders:read',
  'order.edited': 'orders:read',
  'payment.failed': 'orders:read',
  'payment.reversed': 'orders:read',
  'customer.created': 'customers:read',
  'customer.erased': 'customers:read',
  'webhook_endpoint.disabled': 'webhooks:write',
  'webhook_endpoint.test': 'webhooks:write',
} as const satisfies Record<string, Scope>

export type EventType = keyof typeof EVENT_TYPES

export const SCOPES = [
  'catalogue:read',
  'catalogue:write',
  'stock:read',
  'stock:write',
  'orders:read',
  'orders:write',
  'customers:read',
  'customers:write',
  'settings:write',
  'keys:write',
  'events:read',
  'webhooks:write',
] as const

export type Scope = (typeof SCOPES)[number]

/** True when one of the held scopes gives it; a write scope gives the read scope of its room. */
export function hasScope(held: readonly Scope[], needed: Scope): boolean {
  if (held.includes(needed)) return true
  return needed.endsWith(':read') && held.includes(needed.replace(':read', ':write') as Scope)
}

/** The event types that a holder of `scopes` may see. */
export function visibleTypes(scopes: readonly Scope[]): EventType[] {
  return (Object.keys(EVENT_TYPES) as EventType[]).filter((type) => hasScope(scopes, EVENT_TYPES[type]))
}

/**
 * A filter is an exact name, a `prefix` followed by the separator and `*` (`order.*`, `item:*`), or `*`.
 * The separator is `.` for types and `:` for subjects.
 */
export function matchesFilter(filter: string, value: string): boolean {
  if (filter === '*') return true
  return filter.endsWith('*') ? value.startsWith(filter.slice(0, -1)) : filter === value
}

/** True for `*`, a type of the registry, or `{room}.*` that covers one of its types. */
export function isTypeFilter(filter: string): boolean {
  if (!/^(\*|[a-z_.]+\.\*|[a-z_.]+)$/.test(filter)) return false
  return Object.keys(EVENT_TYPES).some((type) => matchesFilter(filter, type))
}
