import { type EpochMs, fromIso } from '../../runtime/clock.ts'
import type { Discount } from '../../schema/http/discount.ts'
import { type DiscountLine, isInScope, type Off, takeOff } from './discount-kinds.ts'

export interface ToDiscount {
  lines: readonly DiscountLine[]
  /** Minor units. */
  shipping: bigint
  market: string
  currency: string
  automatic: readonly Discount[]
  /** Those whose codes the shopper gave. */
  coded: readonly Discount[]
}

/** Why a code that is on the cart gives nothing. */
export type IdleReason =
  | 'not_started'
  | 'ended'
  | 'not_in_market'
  | 'minimum_not_met'
  | 'nothing_to_discount'
  | 'better_one_applies'

export interface Discounted extends Off {
  given: { discount: Discount; amount: bigint }[]
  idle: { discount: Discount; reason: IdleReason }[]
}

/** Units first, then parts of what is left, then amounts: each sees what those before it have left. */
const KIND_ORDER: Discount['kind'][] = ['buy_x_get_y', 'percentage', 'fixed', 'free_shipping']

/**
 * Which discounts a cart gets and what they take off. All that may be combined are given together; one that may not is
 * given alone. Of these choices the shopper has the one that takes off most, with no word lost on codes: a code that is
 * worth less than what everybody gets is not spent.
 */
export function discount(cart: ToDiscount, at: EpochMs): Discounted {
  const fitting: Discount[] = []
  const idle: Discounted['idle'] = []
  for (const one of cart.automatic) if (whyIdle(one, cart, at) === null) fitting.push(one)
  for (const one of cart.coded) {
    const reason = whyIdle(one, cart, at)
    if (reason === null) fitting.push(one)
    else idle.push({ discount: one, reason })
  }
  // An order of its own, so that neither the order of the settings nor that of the codes decides an amount.
  fitting.sort(
    (a, b) =>
      KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) ||
      Number(b.isAutomatic) - Number(a.isAutomatic) ||
      (a.code < b.code ? -1 : 1),
  )
  const together = fitting.filter(({ isCombinable }) => isCombinable)
  const alone = fitting.filter(({ isCombinable }) => !isCombinable)
  let best = give(cart, together)
  for (const one of alone) {
    const single = give(cart, [one])
    if (worthOf(single) > worthOf(best)) best = single
  }
  const gives = new Set(best.given.map(({ discount: { code } }) => code))
  for (const one of fitting) {
    if (one.isAutomatic || gives.has(one.code)) continue
    const isWorthNothing = worthOf(give(cart, [one])) === 0n
    idle.push({ discount: one, reason: isWorthNothing ? 'nothing_to_discount' : 'better_one_applies' })
  }
  return { ...best, idle }
}

function give(cart: ToDiscount, discounts: readonly Discount[]): Omit<Discounted, 'idle'> {
  const whole = cart.lines.map(({ unitPrice, quantity }) => unitPrice * quantity)
  let left = { lines: whole, shipping: cart.shipping }
  const given: Discounted['given'] = []
  for (const one of discounts) {
    const off = takeOff(one, cart.lines, left, cart.currency)
    const amount = worthOf(off)
    if (amount === 0n) continue
    given.push({ discount: one, amount })
    left = {
      lines: left.lines.map((amount, index) => amount - off.lines[index]!),
      shipping: left.shipping - off.shipping,
    }
  }
  return {
    lines: whole.map((amount, index) => amount - left.lines[index]!),
    shipping: cart.shipping - left.shipping,
    given,
  }
}

function worthOf({ lines, shipping }: Off): bigint {
  return lines.reduce((total, amount) => total + amount, shipping)
}

/** Null when the discount may be given now and here. */
function whyIdle({ startsAt, endsAt, limits, appliesTo }: Discount, cart: ToDiscount, at: EpochMs) {
  if (startsAt !== null && at < fromIso(startsAt)) return 'not_started'
  if (endsAt !== null && at >= fromIso(endsAt)) return 'ended'
  if (limits.markets.length > 0 && !limits.markets.includes(cart.market)) return 'not_in_market'
  if (limits.minimumSpend === null) return null
  const minimum = limits.minimumSpend[cart.currency]
  const spent = cart.lines
    .filter((line) => isInScope(line, appliesTo))
    .reduce((total, { unitPrice, quantity }) => total + unitPrice * quantity, 0n)
  return minimum !== undefined && spent >= BigInt(minimum) ? null : 'minimum_not_met'
}
