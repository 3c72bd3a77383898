import type { Order, OrderLine, Payment } from '../../schema/http/order.ts'
import type { Money } from '../../schema/money.ts'
import type { LineUnits } from '../../schema/rpc/purchase.ts'

// Money of an order, in bigint minor units throughout: no product or quotient of these meets a floating point number.

const minor = ({ amount }: Money): bigint => BigInt(amount)
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
export const sumOf = (amounts: readonly bigint[]): bigint => amounts.reduce((sum, each) => sum + each, 0n)

export function moneyOf(order: Pick<Order, 'currency'>, amount: bigint): Money {
  return { amount: Number(amount), currency: order.currency }
}

/** What the shopper pays for a whole line: after its discount, with its tax. */
export function lineValue({ totals }: Pick<Order, 'totals'>, line: OrderLine): bigint {
  const net = minor(line.unitPrice) * BigInt(line.quantity) - minor(line.discount)
  const value = totals.taxIncluded ? net : net + minor(line.tax)
  return value > 0n ? value : 0n
}

/**
 * What the next `units` of a line are worth, after those whose price was given back before: shares of the whole, rounded
 * down, of which the last unit takes the rest. So any parts of a line always sum to the line.
 */
export function unitsValue(order: Pick<Order, 'totals'>, line: OrderLine, units: number): bigint {
  const whole = lineValue(order, line)
  const upTo = (count: number) => (whole * BigInt(count)) / BigInt(line.quantity)
  return upTo(line.credited + units) - upTo(line.credited)
}

/** What shipping costs with its tax: all of the total that no line accounts for. */
function shippingValue(order: Order): bigint {
  const rest = minor(order.totals.total) - sumOf(order.lines.map((line) => lineValue(order, line)))
  return rest > 0n ? rest : 0n
}

/** What the shopper owes in all: the total without the units whose price is not theirs to pay any more. */
export function dueOf(order: Order): bigint {
  const credited = order.lines.map((line) => unitsValue(order, { ...line, credited: 0 }, line.credited))
  const shipping = order.status === 'cancelled' ? shippingValue(order) : 0n
  const due = minor(order.totals.total) - sumOf(credited) - shipping
  return due > 0n ? due : 0n
}

/** What can still be given back of a payment of which `taken` was or will be captured. */
export function refundableOf(order: Order, payment: Payment, taken = minor(payment.captured)): bigint {
  const pending = order.refunds.filter(
    ({ paymentId, status }) => paymentId === payment.id && status === 'pending',
  )
  return taken - minor(payment.refunded) - sumOf(pending.map(({ amount }) => minor(amount)))
}

/** Spreads `amount` over rooms in their order, and what finds no room stays out. */
export function spread(amount: bigint, rooms: readonly bigint[]): bigint[] {
  let left = amount
  return rooms.map((room) => {
    const part = least(left, room)
    left -= part
    return part
  })
}

/** Units by line that are more than the line has of them; empty: none. */
export function beyond(
  order: Order,
  wanted: readonly LineUnits[],
  has: (line: OrderLine) => number,
): { lineId: string; requested: number; available: number }[] {
  const lines = new Map(order.lines.map((line) => [line.id, line]))
  return wanted.flatMap(({ lineId, quantity }) => {
    const line = lines.get(lineId)
    const available = line ? has(line) : 0
    return quantity > available ? [{ lineId, requested: quantity, available }] : []
  })
}

/** Changes the lines that `units` names. */
export function withLines(
  order: Order,
  units: readonly LineUnits[],
  change: (line: OrderLine, quantity: number) => Partial<OrderLine>,
): Order {
  const byLine = new Map<string, number>()
  for (const { lineId, quantity } of units) byLine.set(lineId, (byLine.get(lineId) ?? 0) + quantity)
  const lines = order.lines.map((line) => {
    const quantity = byLine.get(line.id) ?? 0
    return quantity > 0 ? { ...line, ...change(line, quantity) } : line
  })
  return { ...order, lines }
}
