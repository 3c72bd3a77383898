import type { Discount, DiscountScope } from '../../schema/http/discount.ts'
import { allocateAmount } from './allocate-amount.ts'
import { fractionOf, shareOf } from './tax.ts'

/** As much of a line as discounts look at. A SKU is on one line only. */
export interface DiscountLine {
  sku: string
  product: string
  categories: readonly string[]
  /** Minor units, as displayed. */
  unitPrice: bigint
  quantity: bigint
}

/** What is left of a cart after the discounts that came before. */
export interface Remaining {
  /** Of each line. */
  lines: readonly bigint[]
  shipping: bigint
}

/** What a discount takes off: never more than what is left. */
export type Off = Remaining

export function isInScope(line: DiscountLine, scope: DiscountScope | null): boolean {
  if (scope === null) return true
  const { skus, products, categories } = scope
  return (
    skus.includes(line.sku) ||
    products.includes(line.product) ||
    line.categories.some((category) => categories.includes(category))
  )
}

export function takeOff(
  discount: Discount,
  lines: readonly DiscountLine[],
  left: Remaining,
  currency: string,
): Off {
  const inScope = (index: number) => isInScope(lines[index]!, discount.appliesTo)
  const amounts = left.lines.map((amount, index) => (inScope(index) ? amount : 0n))
  const sum = amounts.reduce((total, amount) => total + amount, 0n)
  const spread = (whole: bigint): Off => {
    const weights = amounts.map((amount, index) => ({ key: lines[index]!.sku, amount }))
    return { lines: allocateAmount(least(whole, sum), weights), shipping: 0n }
  }
  switch (discount.kind) {
    case 'percentage':
      return spread(shareOf(sum, fractionOf(discount.value)))
    case 'fixed':
      return spread(BigInt(discount.value[currency] ?? 0))
    case 'free_shipping':
      return { lines: lines.map(() => 0n), shipping: lines.some((_, i) => inScope(i)) ? left.shipping : 0n }
    case 'buy_x_get_y':
      return { lines: unitsOff(discount, lines, left.lines), shipping: 0n }
  }
}

type Offer = Extract<Discount, { kind: 'buy_x_get_y' }>

/** The cheapest units first: what one gets is not worth more than what was bought. */
function unitsOff({ value, appliesTo }: Offer, lines: readonly DiscountLine[], left: readonly bigint[]) {
  const { from } = value
  const isBought = (line: DiscountLine) => from !== null && isInScope(line, from)
  // What counts as bought is not given away as well.
  const gettable = lines
    .map((line, index) => ({ line, index }))
    .filter(({ line }) => isInScope(line, appliesTo) && !isBought(line))
  gettable.sort((a, b) =>
    a.line.unitPrice === b.line.unitPrice
      ? a.line.sku < b.line.sku
        ? -1
        : 1
      : a.line.unitPrice < b.line.unitPrice
        ? -1
        : 1,
  )
  const units = (of: readonly DiscountLine[]) => of.reduce((total, { quantity }) => total + quantity, 0n)
  const [buy, get] = [BigInt(value.buy), BigInt(value.get)]
  const times =
    from === null
      ? units(gettable.map(({ line }) => line)) / (buy + get)
      : units(lines.filter(isBought)) / buy
  let due = times * get
  const off = lines.map(() => 0n)
  for (const { line, index } of gettable) {
    const taken = least(due, line.quantity)
    due -= taken
    off[index] = least(shareOf(line.unitPrice * taken, fractionOf(value.share)), left[index]!)
  }
  return off
}

/** `Math.min` takes no bigint. */
function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
