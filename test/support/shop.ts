import { type Answer, call, staff } from './api.ts'

/** A product with one variant and some units at `main`. */
export async function stocked(sku: string, units: number, priceMinor = 1000): Promise<void> {
  const handle = sku.toLowerCase()
  const product = await staff('PUT', `/v1/admin/products/${handle}`, {
    title: sku,
    status: 'active',
    variants: [{ sku, prices: { EUR: priceMinor } }],
  })
  if (product.status >= 300) throw new Error(`product ${sku}: ${JSON.stringify(product.body)}`)
  if (units > 0) await received(sku, units)
}

export async function received(item: string, units: number): Promise<void> {
  const answer = await staff('POST', `/v1/admin/stock/${encodeURIComponent(item)}/movements`, {
    type: 'receive',
    location: 'main',
    quantity: units,
  })
  if (answer.status !== 201) throw new Error(`receive ${item}: ${JSON.stringify(answer.body)}`)
}

/** All that a checkout needs beside lines. */
export const READY = {
  contact: { email: 'ada@example.com' },
  shippingAddress: { name: 'Ada', line1: 'Street 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
  shippingMethod: 'standard',
}

/** A cart that is ready for checkout, its lines held. */
export function readyCart(lines: { sku: string; quantity: number }[]): Promise<Answer<any>> {
  return call('POST', '/v1/carts', { body: { lines, ...READY }, idempotencyKey: crypto.randomUUID() })
}

export function checkout(
  cartId: string,
  token = 'tok_ok',
  idempotencyKey: string = crypto.randomUUID(),
): Promise<Answer<any>> {
  return call('POST', `/v1/carts/${cartId}/checkout`, {
    body: { payment: { provider: 'test', token } },
    idempotencyKey,
  })
}

/** Every event of the store so far, oldest first. */
export async function allEvents(): Promise<any[]> {
  const events = []
  let after = 0
  for (;;) {
    const { body } = await staff('GET', `/v1/events?after=${after}&limit=100`)
    events.push(...body.items)
    if (body.items.length === 0) return events
    after = body.nextAfter
  }
}

/** Fails unless the sequences of each subject are 1, 2, 3, ... in log order. Returns the events by subject. */
export function bySubject(events: any[]): Map<string, any[]> {
  const subjects = new Map<string, { sequence: number }[]>()
  for (const event of events) {
    const run = subjects.get(event.subject) ?? []
    run.push(event)
    if (event.sequence !== run.length)
      throw new Error(`${event.subject}: sequence ${event.sequence} where ${run.length} was due`)
    subjects.set(event.subject, run)
  }
  return subjects
}
