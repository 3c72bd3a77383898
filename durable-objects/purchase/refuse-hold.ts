import { type Refusal, refuse } from '../../schema/outcome.ts'
import { LINE_QUANTITY_MAX } from '../../schema/quantity.ts'
import { demandOf, needsOf, supplyKey, usesOf, type Wanted } from './demand.ts'
import { refuseDiscount } from './refuse-discount.ts'
import type { Line } from './state.ts'

export interface LineShortage {
  sku: string
  requested: number
  /** The most this line could be set to, all other lines staying as they are. */
  available: number
}

/** What Stock refused, by `supplyKey`: `insufficient_stock` or `not_on_sale`, with its facts. */
export type SupplyRefusals = ReadonlyMap<string, Refusal>

/**
 * What the shopper is told when supplies refuse: a sale that is not on, a code without a use left, too few goods, or too many
 * for one customer, in this order, since the first two cannot be helped by fewer units. `asked`: the lines that the command is about.
 */
export function refuseHold(wanted: Wanted, asked: ReadonlySet<string>, refusals: SupplyRefusals): Refusal {
  const notOnSale = [...refusals].find(([, { code }]) => code === 'not_on_sale')
  if (notOnSale) {
    const [key, { facts }] = notOnSale
    const takers = wanted.lines.filter((line) =>
      needsOf(line, wanted.customer).some((need) => supplyKey(need) === key),
    )
    const line = takers.find(({ facts: { sku } }) => asked.has(sku)) ?? takers[0]
    return refuse('not_on_sale', undefined, { sku: line?.facts.sku, ...facts })
  }
  const spent = spentDiscount(wanted, refusals)
  if (spent) return spent
  const most = new Map([...refusals].map(([key, { facts }]) => [key, Number(facts?.available ?? 0)]))
  const isShortOf = (kind: 'stock' | 'quota') => (line: Line) =>
    needsOf(line, wanted.customer).some((need) => need.kind === kind && most.has(supplyKey(need)))
  const lines = wanted.lines.filter(({ facts }) => asked.has(facts.sku))
  const short = lines.filter(isShortOf('stock'))
  return short.length > 0
    ? refuse('insufficient_stock', undefined, { lines: shortagesOf(wanted, short, most) })
    : refuse('customer_limit_exceeded', undefined, {
        lines: shortagesOf(wanted, lines.filter(isShortOf('quota')), most),
      })
}

/** A code whose uses are all held or taken, in all or by its customer. */
function spentDiscount({ discounts, customer }: Wanted, refusals: SupplyRefusals): Refusal | null {
  for (const applied of discounts) {
    const need = usesOf({ discounts: [applied], customer }).find((use) => refusals.has(supplyKey(use)))
    if (!need) continue
    const { code } = applied.discount
    return refuseDiscount(code, need.item === `discount/${code}` ? 'used_up' : 'used_by_customer')
  }
  return null
}

/** `most`: how many units of each short supply the purchase could hold. */
function shortagesOf(
  wanted: Wanted,
  lines: readonly Line[],
  most: ReadonlyMap<string, number>,
): LineShortage[] {
  const demand = demandOf(wanted)
  return lines.map((line) => {
    const { facts, quantity } = line
    const own = demandOf({ lines: [line], customer: wanted.customer, discounts: [] })
    const fitting = [...own].flatMap(([key, need]) => {
      const held = most.get(key)
      if (held === undefined) return []
      const others = demand.get(key)!.quantity - need.quantity
      return [Math.floor(Math.max(0, held - others) / (need.quantity / quantity))]
    })
    const limits = [facts.maxPerOrder, facts.maxPerCustomer].map((limit) => limit ?? LINE_QUANTITY_MAX)
    const available = Math.min(...fitting, ...limits, LINE_QUANTITY_MAX)
    return { sku: facts.sku, requested: quantity, available }
  })
}
