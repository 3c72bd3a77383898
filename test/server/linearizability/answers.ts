import type { ApiAnswer } from '../../../scripts/api-client.ts'
import type { Result } from './history.ts'

type Reader = (answer: ApiAnswer) => Result

/** The units of a SKU that a cart holds; what it only shows, and does not hold, is no unit. */
export function heldOf(sku: string): Reader {
  return ({ body }) => {
    const line = lineOf(body, sku)
    if (!line) return { quantity: 0 }
    return line.hold.state === 'held' ? { quantity: line.quantity } : { code: line.hold.state }
  }
}

export function orderedOf(sku: string): Reader {
  return ({ body }) => ({ quantity: lineOf(body, sku)?.quantity ?? 0 })
}

export function cancelledOf(sku: string): Reader {
  return ({ body }) => ({ quantity: lineOf(body, sku)?.cancelled ?? 0 })
}

export function availableOf(sku: string): Reader {
  return ({ body }) => ({ available: lineOf({ lines: body.items }, sku)?.available })
}

/** Of a movement or a read. */
export function levelsOf({ body }: ApiAnswer): Result {
  const { onHand, reserved, allocated, available } = body.levels ?? body
  return { onHand, reserved, allocated, available }
}

/** Each SKU here is made of one unit of the item named alike. */
export function refusalOf({ body }: ApiAnswer, item: string): Result {
  const { code, onHand } = body
  if (code === 'stock_conflict') return { code, onHand }
  if (code !== 'insufficient_stock') return { code }
  const line = lineOf(body, item)
  // Refused because of another item: it says nothing about this one.
  return line ? { code, requested: line.requested, available: line.available } : { code: 'other_item_short' }
}

/** Of a cart, an order or a refusal. */
function lineOf(body: any, sku: string): any {
  return body.lines.find((line: { sku: string }) => line.sku === sku)
}
