import type { EpochMs } from '../../runtime/clock.ts'
import { toIso } from '../../runtime/clock.ts'
import type { Cart, CartLine, Notice } from '../../schema/http/cart.ts'
import { cartId, orderId } from '../../schema/ids.ts'
import { demandOf, supplyKey } from './demand.ts'
import { discountNotices, discountsOf } from './discount-view.ts'
import { usableShippingMethod } from './shipping.ts'
import type { Line, PurchaseState } from './state.ts'
import { priceCart } from './totals.ts'

/** The cart as the API answers it at `at`: what it shows of holds is derived from the clock, never stored. */
export function viewCart(state: PurchaseState, at: EpochMs): Cart {
  const priced = priceCart(state, pricedAt(state, at))
  const holdOf = lineHolds(state, at)
  const lines = state.lines.map((line, index): CartLine => {
    const { facts, quantity, properties } = line
    return {
      sku: facts.sku,
      productHandle: facts.productHandle,
      title: facts.title,
      image: facts.image,
      quantity,
      unitPrice: priced.lines[index]!.unitPrice,
      discount: priced.lines[index]!.discount,
      total: priced.lines[index]!.total,
      properties,
      hold: holdOf(line),
    }
  })
  return {
    id: cartId(state),
    status: state.status,
    market: state.terms.code,
    currency: state.terms.currency,
    locale: state.locale,
    hold: state.hold,
    lines,
    discounts: discountsOf(state, priced),
    contact: state.contact,
    shippingAddress: state.shippingAddress,
    billingAddress: state.billingAddress,
    shippingMethod: state.shippingMethod,
    note: state.note,
    metadata: state.metadata,
    totals: priced.totals,
    notices: [...noticesOf(state, lines), ...(isOver(state) ? [] : discountNotices(state, priced, at))],
    order:
      state.order && state.orderToken ? { id: orderId(state.purchaseId), token: state.orderToken } : null,
    createdAt: toIso(state.createdAt),
    updatedAt: toIso(state.updatedAt),
  }
}

/** What is being paid or was ordered stays as it was priced, whatever has ended or come into force since. */
function pricedAt({ status, attempt }: PurchaseState, at: EpochMs): EpochMs {
  const isDecided = status === 'completed' || (status === 'checking_out' && attempt?.totals)
  return isDecided && attempt ? attempt.pricedAt : at
}

function isOver({ status }: PurchaseState): boolean {
  return status === 'completed' || status === 'abandoned'
}

/** A line is held while all its items are, and until the first of them ends. */
function lineHolds(state: PurchaseState, at: EpochMs): (line: Line) => CartLine['hold'] {
  const isClosed = isOver(state)
  const holds = new Map(state.holds.map((hold) => [supplyKey(hold), hold]))
  const demand = demandOf(state)
  return ({ facts }) => {
    const keys = facts.stock.map(({ item }) => supplyKey({ kind: 'stock', item }))
    const held = keys.map((key) => holds.get(key))
    const mayHold = state.hold === 'line' || held.some((hold) => hold !== undefined)
    if (isClosed || facts.stock.length === 0 || !mayHold) return { state: 'none', expiresAt: null }
    const isHeld = keys.every((key, index) => {
      const hold = held[index]
      return hold !== undefined && hold.expiresAt > at && hold.quantity >= (demand.get(key)?.quantity ?? 0)
    })
    const first = Math.min(...held.map((hold) => hold?.expiresAt ?? Number.POSITIVE_INFINITY))
    return { state: isHeld ? 'held' : 'expired', expiresAt: Number.isFinite(first) ? toIso(first) : null }
  }
}

function noticesOf(state: PurchaseState, lines: readonly CartLine[]): Notice[] {
  const notices: Notice[] = []
  lines.forEach((line, index) => {
    if (line.hold.state !== 'expired') return
    notices.push({
      code: 'hold_expired',
      severity: 'warning',
      path: `/lines/${index}`,
      message:
        'The units are no longer held. PUT the line again, or check out, to hold them if they are still there.',
    })
  })
  if (state.shippingMethod !== null && !usableShippingMethod(state) && state.status !== 'completed') {
    notices.push({
      code: 'shipping_method_unavailable',
      severity: 'warning',
      path: '/shippingMethod',
      message: 'The chosen shipping method does not serve this address. Choose another one.',
    })
  }
  return notices
}
