import type { EventType } from '../../schema/event-types.ts'

/**
 * The cache tags of the answers that an event makes stale. Catalogue answers carry the tags of the products and of the
 * items they show, so that a band crossing needs no look-up of who sells the item.
 */
export function tagsOfEvent(event: { store: string; type: EventType; subject: string }): string[] {
  const { store, type, subject } = event
  const key = subject.slice(subject.indexOf(':') + 1)
  if (type.startsWith('product.') || (type === 'price.changed' && subject.startsWith('product:')))
    return [`${store}:products`, tag(store, 'product', key)]
  if (type === 'stock.availability_changed') return [tag(store, 'item', key)]
  return []
}

/** Tags are printable ASCII without commas (Workers Cache drops others silently); the catalogue encodes alike. */
function tag(store: string, kind: 'product' | 'item', key: string): string {
  return `${store}:${kind}:${encodeURIComponent(key)}`
}
