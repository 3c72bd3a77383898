import type { Specification } from './check.ts'
import type { Operation, Result } from './history.ts'

/** A stock item as its callers see it: one position, no backorder, no safety stock, holds that outlast the history. */
export interface StockItem {
  onHand: number
  /** Units held for carts; none is absent. */
  held: Readonly<Record<string, number>>
  /** Units allocated to the orders of carts. Present from the checkout on, 0 once it is cancelled: the cart is closed. */
  ordered: Readonly<Record<string, number>>
}

/** api.md: a live number is at most one second old. `GET /v1/admin/stock/{item}` is never behind. */
const AVAILABILITY_STALE_NS = 1e9

export const STOCK_ITEM: Specification<StockItem> = {
  initial: { onHand: 0, held: {}, ordered: {} },
  keyOf({ onHand, held, ordered }) {
    return `onHand ${onHand} held ${list(held)} ordered ${list(ordered)}`
  },
  apply: (item, operation) => (operation.ok === false ? refuse(item, operation) : take(item, operation)),
  isObservation: ({ op, ok }) => ok === false || op === 'readLevels' || op === 'readAvailability',
  staleNs: ({ op }) => (op === 'readAvailability' ? AVAILABILITY_STALE_NS : 0),
}

/** What a success (or an unknown outcome) makes of the item. */
function take(item: StockItem, operation: Operation): StockItem | null {
  const { op, args } = operation
  const cart = args.cart!
  const quantity = args.quantity ?? 0
  switch (op) {
    case 'createCart':
    case 'setLine':
    case 'removeLine': {
      if (cart in item.ordered || quantity > mostFor(item, cart)) return null
      return shows(operation, { quantity }) ? hold(item, cart, quantity) : null
    }
    case 'checkout': {
      // Whatever the cart holds becomes the order's: no unit more, none less, and none is taken anew.
      if (cart in item.ordered || !shows(operation, { quantity: held(item, cart) })) return null
      return { ...hold(item, cart, 0), ordered: { ...item.ordered, [cart]: held(item, cart) } }
    }
    case 'cancel': {
      if (!item.ordered[cart] || !shows(operation, { quantity: item.ordered[cart] })) return null
      return { ...item, ordered: { ...item.ordered, [cart]: 0 } }
    }
    case 'receive':
    case 'adjust':
      return moved(item, item.onHand + quantity, operation)
    case 'count': {
      const isExpected = args.expectedOnHand === undefined || args.expectedOnHand === item.onHand
      return isExpected ? moved(item, quantity, operation) : null
    }
    case 'readLevels':
    case 'readAvailability':
      return shows(operation, levelsOf(item)) ? item : null
  }
}

/** A refusal leaves the item as it is; where it speaks of stock, it must have been right. */
function refuse(item: StockItem, { op, args, result }: Operation): StockItem | null {
  const { cart = '', quantity = 0, expectedOnHand } = args
  const { code, onHand, available, requested = quantity } = result!
  switch (code) {
    case 'insufficient_stock': {
      const isAsked = args.quantity === undefined || requested === quantity
      const most = mostFor(item, cart)
      return isAsked && requested > most && available === most ? item : null
    }
    case 'stock_conflict': {
      const isRight =
        op === 'count'
          ? expectedOnHand !== undefined && expectedOnHand !== item.onHand
          : item.onHand + quantity < 0
      return isRight && onHand === item.onHand ? item : null
    }
    default:
      // A closed cart, a declined payment, an order that is cancelled already: nothing about stock.
      return item
  }
}

/** Never oversold: the most that this cart could hold. */
function mostFor(item: StockItem, cart: string): number {
  return held(item, cart) + levelsOf(item).available
}

function levelsOf({ onHand, held, ordered }: StockItem) {
  const [reserved, allocated] = [sum(held), sum(ordered)]
  return { onHand, reserved, allocated, available: Math.max(0, onHand - reserved - allocated) }
}

function held(item: StockItem, cart: string): number {
  return item.held[cart] ?? 0
}

function hold(item: StockItem, cart: string, quantity: number): StockItem {
  const { [cart]: _, ...others } = item.held
  return { ...item, held: quantity === 0 ? others : { ...others, [cart]: quantity } }
}

/** Movements answer the levels that they led to. */
function moved(item: StockItem, onHand: number, operation: Operation): StockItem | null {
  const next = { ...item, onHand }
  return onHand >= 0 && shows(operation, levelsOf(next)) ? next : null
}

/** Every figure that the answer has is the one that the state has. An unknown outcome has no answer to contradict. */
function shows({ ok, result }: Operation, figures: Result): boolean {
  if (ok === null) return true
  const shown = Object.entries(result ?? {})
  return shown.length > 0 && shown.every(([name, figure]) => figures[name as keyof Result] === figure)
}

function sum(units: Readonly<Record<string, number>>): number {
  return Object.values(units).reduce((a, b) => a + b, 0)
}

function list(units: Readonly<Record<string, number>>): string {
  const entries = Object.entries(units).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([cart, quantity]) => `${cart}:${quantity}`).join(' ')}}`
}
