import { add, type Dinero, dinero, subtract, toSnapshot } from 'dinero.js/bigint'
import type { EpochMs } from '../../runtime/clock.ts'
import type { Totals } from '../../schema/http/totals.ts'
import { AMOUNT_MINOR_MAX, type Money } from '../../schema/money.ts'
import type { MarketTerms, TaxRate } from '../../schema/rpc/catalogue-facts.ts'
import { type Discounted, discount } from './discounts.ts'
import { shippingPrice } from './shipping.ts'
import type { CartDiscount, Line } from './state.ts'
import { destinationOf, fractionOf, owesTaxItself, pickRate, taxOf } from './tax.ts'

/** Shipping is taxed with this category's rate: the main service of an order follows its standard rate. */
const SHIPPING_TAX_CATEGORY = 'standard'

export interface Priced {
  totals: Totals
  /** As displayed, beside each line in order: `total` is what is left of `unitPrice` x quantity after `discount`. */
  lines: { unitPrice: Money; discount: Money; total: Money; tax: Money }[]
  discounts: Pick<Discounted, 'idle'> & { given: (Discounted['given'][number] & { off: Money })[] }
  /** False when a sum passes AMOUNT_MINOR_MAX: no command may bring a cart there. */
  isInRange: boolean
}

export interface ToPrice {
  lines: readonly Line[]
  terms: MarketTerms
  discounts: readonly Pick<CartDiscount, 'discount'>[]
  shippingAddress: { country: string; region?: string | undefined } | null
  billingAddress: { vatNumber?: string | undefined } | null
  shippingMethod: string | null
}

/**
 * What the cart costs. Discounts come off the prices as displayed; what is left is taxed line by line, half up, so that
 * the parts always sum: `tax` is the sum of `taxes`, and each of these the sum of its lines. `taxable` is the amount
 * without tax in either kind of market. A business that owes the tax itself sees prices without it.
 */
export function priceCart(cart: ToPrice, at: EpochMs): Priced {
  const { terms } = cart
  const currency = { code: terms.currency, base: 10n, exponent: 0n }
  const money = (amount: number | bigint) => dinero({ amount: BigInt(amount), currency })
  const inMinor = (amount: number | bigint): Money => ({ amount: Number(amount), currency: terms.currency })
  const wire = (value: Dinero<bigint>): Money => inMinor(amountOf(value))
  const destination = destinationOf(terms, cart.shippingAddress)
  const rateOf = (taxCategory: string) => {
    const rate = pickRate(terms.taxRates, destination, taxCategory, at)
    return rate && { ...rate, isReversed: owesTaxItself(cart.billingAddress, rate) }
  }
  const rates = new Map(cart.lines.map(({ facts }) => [facts.taxCategory, rateOf(facts.taxCategory)]))
  rates.set(SHIPPING_TAX_CATEGORY, rateOf(SHIPPING_TAX_CATEGORY))
  const isReversed = cart.lines.some(({ facts }) => rates.get(facts.taxCategory)?.isReversed)
  const isIncluded = terms.pricesIncludeTax && !isReversed
  const shown = (price: number, taxCategory: string): bigint => {
    const rate = rates.get(taxCategory)
    const tax = rate && terms.pricesIncludeTax && isReversed ? taxOf(price, fractionOf(rate.rate), true) : 0
    return BigInt(price - tax)
  }
  const taxes = new TaxGroups()

  const toShip = shown(shippingPrice(cart), SHIPPING_TAX_CATEGORY)
  const discountable = cart.lines.map(({ facts, quantity }) => ({
    sku: facts.sku,
    product: facts.productHandle,
    categories: facts.categories,
    unitPrice: shown(facts.unitPrice, facts.taxCategory),
    quantity: BigInt(quantity),
  }))
  const discounted = discount(
    {
      lines: discountable,
      shipping: toShip,
      market: terms.code,
      currency: terms.currency,
      automatic: terms.discounts,
      coded: cart.discounts.map((applied) => applied.discount),
    },
    at,
  )

  /** Adds one amount to its tax group; its tax. */
  const taxed = (amount: bigint, taxCategory: string): number => {
    const rate = rates.get(taxCategory)
    if (!rate) return 0
    const tax = rate.isReversed ? 0 : taxOf(Number(amount), fractionOf(rate.rate), isIncluded)
    taxes.put(rate, money(isIncluded ? amount - BigInt(tax) : amount), money(tax))
    return tax
  }
  let [subtotal, discountSum, tax] = [money(0), money(0), money(0)]
  const lines: Priced['lines'] = cart.lines.map(({ facts }, index) => {
    const { unitPrice, quantity } = discountable[index]!
    const whole = unitPrice * quantity
    const off = discounted.lines[index]!
    const lineTax = taxed(whole - off, facts.taxCategory)
    subtotal = add(subtotal, money(whole))
    discountSum = add(discountSum, money(off))
    tax = add(tax, money(lineTax))
    return {
      unitPrice: inMinor(unitPrice),
      discount: inMinor(off),
      total: inMinor(whole - off),
      tax: inMinor(lineTax),
    }
  })
  const shipping = money(toShip - discounted.shipping)
  tax = add(tax, money(taxed(toShip - discounted.shipping, SHIPPING_TAX_CATEGORY)))
  const total = [shipping, ...(isIncluded ? [] : [tax])].reduce(add, subtract(subtotal, discountSum))

  return {
    lines,
    discounts: {
      idle: discounted.idle,
      given: discounted.given.map((one) => ({ ...one, off: inMinor(one.amount) })),
    },
    isInRange: isInRange(subtotal) && isInRange(total),
    totals: {
      subtotal: wire(subtotal),
      discount: wire(discountSum),
      shipping: wire(shipping),
      tax: wire(tax),
      total: wire(total),
      taxIncluded: isIncluded,
      taxes: taxes.shown(wire),
    },
  }
}

interface TaxGroup {
  name: string
  rate: string
  taxable: Dinero<bigint>
  amount: Dinero<bigint>
  isReversed: boolean
}

/** What is taxed by one rate, in the order in which rates come up. */
class TaxGroups {
  readonly #groups = new Map<string, TaxGroup>()

  put(rate: TaxRate & { isReversed: boolean }, taxable: Dinero<bigint>, amount: Dinero<bigint>): void {
    const { name, isReversed } = rate
    const key = JSON.stringify([name, rate.rate, isReversed])
    const group = this.#groups.get(key)
    this.#groups.set(
      key,
      group
        ? { ...group, taxable: add(group.taxable, taxable), amount: add(group.amount, amount) }
        : { name, rate: isReversed ? '0' : rate.rate, taxable, amount, isReversed },
    )
  }

  shown(wire: (value: Dinero<bigint>) => Money): Totals['taxes'] {
    return (
      [...this.#groups.values()]
        // A free shipment of another rate than the goods' would otherwise show as an empty group.
        .filter(({ taxable, amount }) => amountOf(taxable) + amountOf(amount) > 0)
        .map(({ name, rate, taxable, amount, isReversed }) => ({
          name,
          rate,
          taxable: wire(taxable),
          amount: wire(amount),
          ...(isReversed && { isReverseCharge: true }),
        }))
    )
  }
}

function amountOf(value: Dinero<bigint>): number {
  return Number(toSnapshot(value).amount)
}

function isInRange(value: Dinero<bigint>): boolean {
  return toSnapshot(value).amount <= BigInt(AMOUNT_MINOR_MAX)
}
