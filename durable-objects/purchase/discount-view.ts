import type { EpochMs } from '../../runtime/clock.ts'
import type { Notice } from '../../schema/http/cart.ts'
import type { GivenDiscount } from '../../schema/http/discount.ts'
import { isLive, supplyKey, usesOf } from './demand.ts'
import type { IdleReason } from './discounts.ts'
import type { CartDiscount, PurchaseState } from './state.ts'
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

export function discountNotices(state: PurchaseState, { discounts }: Priced, at: EpochMs): Notice[] {
  const pathOf = (code: string) =>
    `/discounts/${state.discounts.findIndex(({ discount }) => discount.code === code)}`
  const idle = discounts.idle.map(({ discount: { code }, reason }): Notice => {
    const message = `The code ${code} gives nothing now. ${REASONS[reason]}`
    return { code: 'discount_not_applied', severity: 'info', path: pathOf(code), message }
  })
  const lapsed = state.discounts.filter((applied) => hasLapsed(state, applied, at))
  return [
    ...idle,
    ...lapsed.map(({ discount: { code } }): Notice => {
      const message = `No use of the code ${code} is held. PUT it again, or check out, to use it if one is left.`
      return { code: 'discount_hold_expired', severity: 'warning', path: pathOf(code), message }
    }),
  ]
}

/** A counted use is held as lines are; a cart that holds at checkout only has none to lose. */
function hasLapsed({ hold, holds, customer }: PurchaseState, applied: CartDiscount, at: EpochMs): boolean {
  if (hold === 'checkout') return false
  const held = new Map(holds.map((one) => [supplyKey(one), one]))
  return usesOf({ discounts: [applied], customer }).some((use) => !isLive(held.get(supplyKey(use)), at))
}
