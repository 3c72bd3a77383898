import { type EpochMs, fromIso } from '../../runtime/clock.ts'
import type { Discount } from '../../schema/http/discount.ts'
import { refuse } from '../../schema/outcome.ts'
import type { Decided } from './decide-cart.ts'
import { usesOf } from './demand.ts'
import { refuseDiscount } from './refuse-discount.ts'
import type { CartDiscount, PurchaseState, Supply } from './state.ts'
import { priceCart } from './totals.ts'

/** 10 codes: each is held by itself when its uses are counted, and who combines more has found a hole. */
export const CART_DISCOUNTS_MAX = 10

/**
 * Puts a code on the cart. One that the cart does not fit now stays and gives nothing until it does; one that cannot be
 * used at all, or not beside those that are there, is refused and changes nothing.
 */
export function applyDiscount(state: PurchaseState, discount: Discount, at: EpochMs): Decided {
  const { code, startsAt, isCombinable } = discount
  if (hasEnded(discount, at)) return refuseDiscount(code, 'ended')
  if (startsAt !== null && at < fromIso(startsAt)) return refuseDiscount(code, 'not_started', { startsAt })
  const others = state.discounts.filter((applied) => applied.discount.code !== code)
  const inTheWay = others.find((other) => !isCombinable || !other.discount.isCombinable)
  if (inTheWay) return refuseDiscount(code, 'not_combinable', { with: inTheWay.discount.code })
  if (others.length >= CART_DISCOUNTS_MAX) {
    const limit = CART_DISCOUNTS_MAX
    return refuse('cart_full', `A cart has at most ${limit} codes.`, { limit })
  }
  const applied: CartDiscount = { discount, isCounted: true }
  const isThere = others.length < state.discounts.length
  const discounts = isThere
    ? state.discounts.map((one) => (one.discount.code === code ? applied : one))
    : [...state.discounts, applied]
  return { ok: true, state: { ...state, discounts } }
}

export function withoutDiscount(state: PurchaseState, code: string): PurchaseState {
  return { ...state, discounts: state.discounts.filter((applied) => applied.discount.code !== code) }
}

/** The quotas that the codes of these states count on. */
export function usesIn(states: readonly PurchaseState[]): Supply[] {
  return states.flatMap(usesOf)
}

/**
 * The codes as the store has them today. `gone`: the first that is withdrawn or has ended; it is off the cart, and its
 * shopper is told before anything is charged.
 */
export function refreshDiscounts(
  state: PurchaseState,
  today: readonly Discount[],
  at: EpochMs,
): { discounts: CartDiscount[]; gone: ReturnType<typeof refuseDiscount> | null } {
  const byCode = new Map(today.map((discount) => [discount.code, discount]))
  let gone: ReturnType<typeof refuseDiscount> | null = null
  const discounts = state.discounts.flatMap(({ discount: { code } }): CartDiscount[] => {
    const discount = byCode.get(code)
    if (discount && !hasEnded(discount, at)) return [{ discount, isCounted: true }]
    gone ??= refuseDiscount(code, discount ? 'ended' : 'withdrawn')
    return []
  })
  return { discounts, gone }
}

/** A code that gives nothing takes no use. */
export function countUses(state: PurchaseState, at: EpochMs): PurchaseState {
  if (state.discounts.length === 0) return state
  const given = new Set(priceCart(state, at).discounts.given.map(({ discount: { code } }) => code))
  const discounts = state.discounts.map(({ discount }) => ({
    discount,
    isCounted: given.has(discount.code),
  }))
  return { ...state, discounts }
}

function hasEnded({ endsAt }: Discount, at: EpochMs): boolean {
  return endsAt !== null && at >= fromIso(endsAt)
}
