import type { EpochMs } from '../../runtime/clock.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import { CART_LINES_MAX, QUANTITY_MAX } from '../../schema/quantity.ts'
import type { CreateCommand, LineInput, UpdateCommand } from '../../schema/rpc/purchase.ts'
import { demandOf } from './demand.ts'
import { serves } from './shipping.ts'
import type { Line, PurchaseState } from './state.ts'
import { priceCart } from './totals.ts'

/**
 * 900 KB of cart document, in UTF-8: the order of the same lines reaches the record as JSON within JSON, which may double
 * it, and D1 takes texts of 2 MB (as rows of Durable Objects do). Only line properties can bring 1,000 lines there.
 */
export const CART_BYTES_MAX = 900_000

export type Decided = { ok: true; state: PurchaseState } | Refusal

export function newPurchase(
  command: CreateCommand,
  purchaseId: string,
  at: EpochMs,
  past: PurchaseState['sequences'] | null,
): PurchaseState {
  const { secret, settings, terms, locale, hold } = command
  return {
    purchaseId,
    isNamedByKey: command.idempotency !== null,
    secret,
    settings,
    terms,
    locale,
    hold,
    status: 'open',
    lines: [],
    discounts: [],
    holds: [],
    stockVersion: 0,
    contact: null,
    customer: null,
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: null,
    note: null,
    metadata: {},
    createdAt: at,
    updatedAt: at,
    endedAt: null,
    attempt: null,
    orderToken: null,
    order: null,
    allocations: [],
    effects: [],
    deallocations: [],
    stockEffects: [],
    timeline: [],
    sequences: past ?? { cart: 0, order: 0 },
  }
}

/** Refuses what a closed or busy cart does not take; null when it may change. */
export function whyClosed(state: PurchaseState): Refusal | null {
  return state.status === 'checking_out' ? refuse('checkout_in_progress') : whyOver(state)
}

/** Refuses what a cart takes no more that became an order or was abandoned. */
export function whyOver(state: PurchaseState): Refusal | null {
  if (state.status === 'abandoned') return refuse('cart_closed')
  if (state.status !== 'completed') return null
  const order = { id: state.order!.id, token: state.orderToken! }
  return refuse('cart_closed', 'The cart became an order.', { order })
}

/** Sets lines to new quantities; lines that are there keep their place, and their properties unless new ones come. */
export function setLines(state: PurchaseState, inputs: readonly LineInput[]): Decided {
  const lines = new Map<string, Line>(state.lines.map((line) => [line.facts.sku, line]))
  for (const { facts, quantity, properties } of inputs) {
    if (quantity === 0) {
      lines.delete(facts.sku)
      continue
    }
    if (facts.maxPerOrder !== null && quantity > facts.maxPerOrder) {
      return refuse('quantity_limit_exceeded', undefined, { sku: facts.sku, limit: facts.maxPerOrder })
    }
    lines.set(facts.sku, {
      facts,
      quantity,
      properties: properties ?? lines.get(facts.sku)?.properties ?? {},
    })
  }
  const over = whyOverCustomerLimit(inputs)
  if (over) return over
  if (lines.size > CART_LINES_MAX) {
    return refuse('cart_full', `A cart has at most ${CART_LINES_MAX} lines.`, { limit: CART_LINES_MAX })
  }
  return { ok: true, state: { ...state, lines: [...lines.values()] } }
}

/** More than any one customer may have is refused also while nobody knows who the customer is. */
export function whyOverCustomerLimit(lines: readonly Pick<Line, 'facts' | 'quantity'>[]): Refusal | null {
  const over = lines.flatMap(({ facts: { sku, maxPerCustomer }, quantity }) =>
    maxPerCustomer !== null && quantity > maxPerCustomer
      ? [{ sku, requested: quantity, available: maxPerCustomer }]
      : [],
  )
  return over.length > 0 ? refuse('customer_limit_exceeded', undefined, { lines: over }) : null
}

/** Applies a patch, and the market it moves to. `null` clears, absent keeps. */
export function applyPatch(
  state: PurchaseState,
  { patch, customer }: Pick<UpdateCommand, 'patch' | 'customer'>,
  moved: UpdateCommand['moved'],
): Decided {
  const terms = moved?.terms ?? state.terms
  const shippingAddress = patch.shippingAddress === undefined ? state.shippingAddress : patch.shippingAddress
  if (shippingAddress && !serves(terms.countries, shippingAddress.country)) {
    return refuse('country_not_in_market', undefined, {
      country: shippingAddress.country,
      market: terms.code,
    })
  }
  const shippingMethod = patch.shippingMethod === undefined ? state.shippingMethod : patch.shippingMethod
  if (patch.shippingMethod) {
    const method = terms.shippingMethods.find(({ code }) => code === patch.shippingMethod)
    if (!method) return refuse('shipping_method_not_found')
    if (shippingAddress && !serves(method.countries, shippingAddress.country)) {
      return refuse('shipping_method_unavailable', undefined, { country: shippingAddress.country })
    }
  }
  const lines = moved ? repriceLines(state.lines, moved.facts) : state.lines
  if (!Array.isArray(lines)) return lines
  return {
    ok: true,
    state: {
      ...state,
      terms,
      lines,
      shippingAddress,
      // A method that the new market does not know is no choice any more.
      shippingMethod: terms.shippingMethods.some(({ code }) => code === shippingMethod)
        ? shippingMethod
        : null,
      contact: patch.contact === undefined ? state.contact : patch.contact,
      customer: patch.contact === undefined ? state.customer : customer,
      billingAddress: patch.billingAddress === undefined ? state.billingAddress : patch.billingAddress,
      locale: patch.locale ?? state.locale,
      note: patch.note === undefined ? state.note : patch.note,
      metadata: patch.metadata ?? state.metadata,
    },
  }
}

/** The same lines with new facts; a SKU without facts has no price in the market. */
export function repriceLines(lines: readonly Line[], facts: readonly LineInput['facts'][]): Line[] | Refusal {
  const bySku = new Map(facts.map((fact) => [fact.sku, fact]))
  const repriced: Line[] = []
  for (const line of lines) {
    const fact = bySku.get(line.facts.sku)
    if (!fact) {
      return refuse('currency_not_in_market', 'A line is not sold in this market.', { sku: line.facts.sku })
    }
    repriced.push({ ...line, facts: fact })
  }
  return repriced
}

/** Refuses what is too large to keep, to price exactly or to hold; null when it fits. */
export function whyTooLarge(state: PurchaseState, at: EpochMs): Refusal | null {
  if (!priceCart(state, at).isInRange)
    return refuse('cart_full', 'The amount is larger than an order may be.')
  for (const { quantity } of demandOf(state).values()) {
    if (quantity > QUANTITY_MAX) return refuse('cart_full', 'A quantity is larger than stock can hold.')
  }
  const bytes = new TextEncoder().encode(JSON.stringify({ ...state, order: null })).byteLength
  return bytes > CART_BYTES_MAX ? refuse('cart_full', 'The cart holds too much text.') : null
}
