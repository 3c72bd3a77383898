import { add, type Dinero, dinero, multiply, toSnapshot } from 'dinero.js/bigint'
import type { EpochMs } from '../../runtime/clock.ts'
import type { Totals } from '../../schema/http/totals.ts'
import { AMOUNT_MINOR_MAX, type Money } from '../../schema/money.ts'
import type { MarketTerms } from '../../schema/rpc/catalogue-facts.ts'
import type { Line } from './state.ts'
import { destinationOf, fractionOf, pickRate, taxOf } from './tax.ts'

/** Shipping is taxed with this category's rate: the main service of an order follows its standard rate. */
const SHIPPING_TAX_CATEGORY = 'standard'

export interface Priced {
  totals: Totals
  /** As displayed, beside each line in order. */
  lines: { total: Money; tax: Money }[]
  /** False when a sum passes AMOUNT_MINOR_MAX: no command may bring a cart there. */
  isInRange: boolean
}

export interface ToPrice {
  lines: readonly Line[]
  terms: MarketTerms
  shippingAddress: { country: string; region?: string | undefined } | null
  shippingMethod: string | null
}

/**
 * What the cart costs. Tax is counted line by line, half up, so that the parts always sum: `tax` is the sum of
 * `taxes`, and each of these the sum of its lines. `taxable` is the amount without tax in either kind of market.
 */
export function priceCart(cart: ToPrice, at: EpochMs): Priced {
  const { terms } = cart
  const currency = { code: terms.currency, base: 10n, exponent: 0n }
  const money = (amount: number) => dinero({ amount: BigInt(amount), currency })
  const destination = destinationOf(terms, cart.shippingAddress)
  const taxes = new Map<string, TaxGroup>()

  /** Adds one amount to its tax group; its tax. */
  const taxPart = (amount: number, taxCategory: string): number => {
    const rate = pickRate(terms.taxRates, destination, taxCategory, at)
    if (!rate) return 0
    const tax = taxOf(amount, fractionOf(rate.rate), terms.pricesIncludeTax)
    const key = JSON.stringify([rate.name, rate.rate])
    const group = taxes.get(key) ?? { name: rate.name, rate: rate.rate, taxable: money(0), amount: money(0) }
    group.taxable = add(group.taxable, money(terms.pricesIncludeTax ? amount - tax : amount))
    group.amount = add(group.amount, money(tax))
    taxes.set(key, group)
    return tax
  }

  let subtotal = money(0)
  const lines: Priced['lines'] = []
  for (const { facts, quantity } of cart.lines) {
    const total = multiply(money(facts.unitPrice), BigInt(quantity))
    subtotal = add(subtotal, total)
    const amount = amountOf(total)
    const tax = taxPart(amount, facts.taxCategory)
    lines.push({
      total: { amount, currency: terms.currency },
      tax: { amount: tax, currency: terms.currency },
    })
  }
  const shippingAmount = shippingPrice(cart)
  taxPart(shippingAmount, SHIPPING_TAX_CATEGORY)
  const tax = [...taxes.values()].reduce((sum, group) => add(sum, group.amount), money(0))
  const shipping = money(shippingAmount)
  const total = [shipping, ...(terms.pricesIncludeTax ? [] : [tax])].reduce(add, subtotal)

  const wire = (value: Dinero<bigint>): Money => ({ amount: amountOf(value), currency: terms.currency })
  return {
    lines,
    isInRange: isInRange(subtotal) && isInRange(total),
    totals: {
      subtotal: wire(subtotal),
      discount: wire(money(0)),
      shipping: wire(shipping),
      tax: wire(tax),
      total: wire(total),
      taxIncluded: terms.pricesIncludeTax,
      taxes: [...taxes.values()]
        // A free shipment of another rate than the goods' would otherwise show as an empty group.
        .filter(({ taxable, amount }) => amountOf(taxable) + amountOf(amount) > 0)
        .map(({ name, rate, taxable, amount }) => ({
          name,
          rate,
          taxable: wire(taxable),
          amount: wire(amount),
        })),
    },
  }
}

interface TaxGroup {
  name: string
  rate: string
  taxable: Dinero<bigint>
  amount: Dinero<bigint>
}

function shippingPrice(cart: ToPrice): number {
  if (!cart.lines.some(({ facts }) => facts.requiresShipping)) return 0
  return cart.terms.shippingMethods.find(({ code }) => code === cart.shippingMethod)?.price ?? 0
}

function amountOf(value: Dinero<bigint>): number {
  return Number(toSnapshot(value).amount)
}

function isInRange(value: Dinero<bigint>): boolean {
  return toSnapshot(value).amount <= BigInt(AMOUNT_MINOR_MAX)
}
