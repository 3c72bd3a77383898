import type { Notice } from '../../schema/http/cart.ts'
import type { GivenDiscount } from '../../schema/http/discount.ts'
import type { IdleReason } from './discounts.ts'
import type { PurchaseState } from './state.ts'
import type { Priced } from './totals.ts'

const REASONS: Record<IdleReason, string> = {
  not_started: 'It may not be used yet.',
  ended: 'It may not be used any more.',
  not_in_market: 'It is not given in this market.',
  minimum_not_met: 'The cart has less than the minimum of what it applies to.',
  nothing_to_discount: 'Nothing on the cart is discounted by it.',
  better_one_applies: 'Another discount, which cannot be combined with it, takes more off.',
}

/** Codes in the order in which they were given, also those that give nothing now; then what is given by itself. */
export function discountsOf(state: PurchaseState, { discounts }: Priced): GivenDiscount[] {
  const given = new Map(discounts.given.map((one) => [one.discount.code, one.off]))
  const coded = state.discounts.map(({ discount }) => discount)
  const automatic = discounts.given.map(({ discount }) => discount).filter(({ isAutomatic }) => isAutomatic)
  return [...coded, ...automatic].map(({ code, title, kind, isAutomatic }) => ({
    code,
    title,
    amount: given.get(code) ?? { amount: 0, currency: state.terms.currency },
    target: kind === 'free_shipping' ? 'shipping' : 'lines',
    isAutomatic,
  }))
}

export function discountNotices(state: PurchaseState, { discounts }: Priced): Notice[] {
  return discounts.idle.map(({ discount, reason }) => ({
    code: 'discount_not_applied',
    severity: 'info',
    path: `/discounts/${state.discounts.findIndex((one) => one.discount.code === discount.code)}`,
    message: `The code ${discount.code} gives nothing now. ${REASONS[reason]}`,
  }))
}
