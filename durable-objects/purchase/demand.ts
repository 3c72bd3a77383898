import type { EpochMs } from '../../runtime/clock.ts'
import { LINE_QUANTITY_MAX } from '../../schema/quantity.ts'
import type { Hold, Line } from './state.ts'

/** Units of each item that these lines consume together. Two lines may share an item, so no line is counted alone. */
export function demandOf(lines: readonly Line[]): Map<string, number> {
  const demand = new Map<string, number>()
  for (const { facts, quantity } of lines) {
    for (const { item, quantity: units } of facts.stock) {
      demand.set(item, (demand.get(item) ?? 0) + units * quantity)
    }
  }
  return demand
}

export function isLive(hold: Hold | undefined, at: EpochMs): hold is Hold {
  return hold !== undefined && hold.quantity > 0 && hold.expiresAt > at
}

/** The items of `lines` whose live hold is not what the whole cart needs of them. */
export function itemsToChange(
  items: Iterable<string>,
  demand: ReadonlyMap<string, number>,
  holds: readonly Hold[],
  at: EpochMs,
): { item: string; quantity: number }[] {
  const held = new Map(holds.map((hold) => [hold.item, hold]))
  const changes: { item: string; quantity: number }[] = []
  for (const item of new Set(items)) {
    const quantity = demand.get(item) ?? 0
    const hold = held.get(item)
    if (quantity !== (isLive(hold, at) ? hold.quantity : 0)) changes.push({ item, quantity })
  }
  return changes
}

export interface LineShortage {
  sku: string
  requested: number
  /** The most this line could be set to, all other lines staying as they are. */
  available: number
}

/** The lines among `asked` that the short items stop. `shortages`: the most the purchase could hold of each item. */
export function lineShortages(
  lines: readonly Line[],
  asked: ReadonlySet<string>,
  shortages: ReadonlyMap<string, number>,
): LineShortage[] {
  const demand = demandOf(lines)
  return lines.flatMap(({ facts, quantity }) => {
    const short = facts.stock.filter(({ item }) => shortages.has(item))
    if (short.length === 0 || !asked.has(facts.sku)) return []
    const most = mergeUnits(short).map(([item, units]) => {
      const others = (demand.get(item) ?? 0) - units * quantity
      return Math.floor(Math.max(0, shortages.get(item)! - others) / units)
    })
    const limits = [...most, facts.maxPerOrder ?? LINE_QUANTITY_MAX, LINE_QUANTITY_MAX]
    return [{ sku: facts.sku, requested: quantity, available: Math.min(...limits) }]
  })
}

/** A variant may name one item twice; its units add up. */
function mergeUnits(stock: readonly { item: string; quantity: number }[]): [string, number][] {
  const units = new Map<string, number>()
  for (const { item, quantity } of stock) units.set(item, (units.get(item) ?? 0) + quantity)
  return [...units]
}
