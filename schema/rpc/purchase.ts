import type { EpochMs } from '../../runtime/clock.ts'
import type { Cart, CartPatch, RequiresAction } from '../http/cart.ts'
import type { Discount } from '../http/discount.ts'
import type { Order, TimelineEntry, Tracking } from '../http/order.ts'
import type { Money } from '../money.ts'
import type { Outcome } from '../outcome.ts'
import type { StoreRef } from '../store-ref.ts'
import type { MarketTerms, VariantFacts } from './catalogue-facts.ts'
import type { IdempotencyStamp } from './idempotency.ts'
import type { EventSource, OrderToRecord } from './source.ts'
import type { Disposition } from './stock.ts'

/** What a purchase needs to know of its store with each command; kept with it, so that alarms have it too. */
export interface PurchaseSettings {
  store: StoreRef
  holdTtlSeconds: number
  lowStockThreshold: number
  capture: 'automatic' | 'manual'
}

/**
 * Stands for one customer of one store, also over carts and orders, without telling who it is: a keyed hash. Made by the
 * worker, which has the key; null where nothing names a customer yet.
 */
export type CustomerKey = string

export interface LineInput {
  facts: VariantFacts
  quantity: number
  /** Absent keeps what the line has. */
  properties?: Record<string, string>
}

interface CartCommand {
  /** The secret half of the cart id; another than the object's is answered `cart_not_found`. */
  secret: string
  settings: PurchaseSettings
}

export interface CreateCommand extends CartCommand {
  terms: MarketTerms
  locale: string
  hold: 'line' | 'checkout'
  /** One entry a SKU (repeats are summed by the caller); held all or nothing. */
  lines: LineInput[]
  patch: CartPatch
  /** Who the contact of the patch is: `CustomerKey` below. */
  customer: CustomerKey | null
  idempotency: IdempotencyStamp | null
}

export interface PutLineCommand extends CartCommand {
  line: LineInput
}

export interface RemoveLineCommand extends CartCommand {
  sku: string
  /** What the SKU is made of, for a line that the purchase does not have. */
  facts?: VariantFacts
}

export interface UpdateCommand extends CartCommand {
  patch: CartPatch
  /** Who the contact of the patch is; of no meaning where the patch leaves the contact as it is. */
  customer: CustomerKey | null
  /** The market after the patch, with the lines' facts in it; null when the market stays. */
  moved: { terms: MarketTerms; facts: VariantFacts[] } | null
}

export interface BeginCheckoutCommand extends CartCommand {
  payment: { provider: string; token: string; returnUrl: string | null }
  expectedTotal: Money | null
  idempotency: IdempotencyStamp
}

/** The lease of one runner on one attempt. A command with another than the newest is refused as `lease_lost`. */
export interface Lease {
  attempt: number
  /** Grows each time the attempt is taken over: the fence. */
  fence: number
}

/** The next thing for the runner to do. The object does what concerns stock by itself, the runner what concerns the outside. */
export type CheckoutStep =
  /** Read the lines' facts and the terms anew, say who `email` is, then `reprice`. */
  | {
      do: 'reprice'
      skus: string[]
      market: string
      locale: string
      email: string | null
      /** The codes on the cart. */
      discounts: string[]
    }
  /** Call `hold`. */
  | { do: 'hold' }
  /** Ask the provider, then `recordAuthorization`. */
  | { do: 'authorize'; request: AuthorizeRequest }
  /** Call `placeOrder`: allocate every item, then order and event in one transaction. */
  | { do: 'place' }
  /** Ask the provider, then `recordCapture`. */
  | { do: 'capture'; request: PaymentRequest }
  /** Void, or refund what was captured, then `recordUndone`. */
  | { do: 'undo'; request: PaymentRequest }
  /** Nothing to do before the shopper or the provider acts. */
  | { do: 'wait'; answer: CheckoutAnswer }
  | { do: 'finished'; answer: CheckoutAnswer }

/** Everything a provider needs; `idempotencyKey` makes asking twice harmless at the provider. */
export interface AuthorizeRequest {
  provider: string
  paymentId: string
  token: string
  returnUrl: string | null
  amount: Money
  idempotencyKey: string
}

export interface PaymentRequest {
  provider: string
  paymentId: string
  /** The provider's own name of the payment; '' when it never said one: it is then known by `paymentId` alone. */
  providerReference: string
  amount: Money
  idempotencyKey: string
}

export type AuthorizeResult =
  | { outcome: 'authorized'; providerReference: string }
  | { outcome: 'declined'; providerReference: string | null; reason: string }
  | { outcome: 'requires_action'; providerReference: string; url: string }
  /** The provider did not answer: nothing is known to be charged; the attempt is undone. */
  | { outcome: 'unavailable' }

/** What the shopper's checkout request is answered with; kept under its idempotency key, except 503s. */
export type CheckoutAnswer =
  | { kind: 'placed'; order: Order }
  | { kind: 'requires_action'; body: RequiresAction }
  | { kind: 'refused'; refusal: Extract<Outcome<object>, { ok: false }> }

export interface CancelCommand {
  settings: PurchaseSettings
  reason: string | null
  actor: string
  /** If-Match: the order version the caller has seen; null when not sent. */
  expectedVersion: number | null
  idempotency: IdempotencyStamp
}

/** Units of one line of an order. */
export interface LineUnits {
  lineId: string
  quantity: number
}

/** Goods that came back; the location was checked by the worker. */
export interface ReceivedLine extends LineUnits {
  disposition: Disposition
  location: string
  locationPriority: number
}

/** What staff do with an order; order-states.ts says when. */
export type OrderAction =
  | { do: 'capture' }
  /** `lines` null: all that is left. `location` null: from the positions that were chosen for the order. */
  | { do: 'fulfill'; lines: LineUnits[] | null; location: string | null; tracking: Tracking | null }
  | { do: 'deliver'; fulfillmentId: string }
  /** `lines` null: all that was not shipped. */
  | { do: 'cancel'; lines: LineUnits[] | null; reason: string | null }
  /** At most one of `amount` and `lines`; neither: all that is left. */
  | { do: 'refund'; amount: Money | null; lines: LineUnits[] | null; reason: string | null }
  /** `received`: the goods are there already. */
  | {
      do: 'return'
      lines: (LineUnits & { reason: string | null })[]
      isRefunded: boolean
      received: ReceivedLine[] | null
    }
  | { do: 'receive'; returnId: string; lines: ReceivedLine[] }
  /** Absent members stay as they are. */
  | { do: 'amend'; note?: string | null; metadata?: Record<string, string> }

export type OrderCommand = OrderAction & {
  settings: PurchaseSettings
  actor: string
  /** If-Match: the order version the caller has seen; null when not sent. */
  expectedVersion: number | null
  /** Null where the command is idempotent by nature. */
  idempotency: IdempotencyStamp | null
}

/** An effect outside that a command wrote down: run until it succeeds or needs a person. */
export interface PendingEffect {
  id: string
  do: 'capture' | 'undo' | 'refund'
  request: PaymentRequest
}

/** What a purchase has of Stock, in its own words; a purchase that is not there has nothing. */
export interface PurchaseAllocations {
  /** Units are being allocated or given back: Stock may say either. */
  isInFlight: boolean
  /** Two answers with the same one and not in flight: nothing was allocated or given back in between. */
  revision: string
  /** The record has heard of the order as it is. */
  isRecorded: boolean
  allocations: { item: string; quantity: number }[]
}

/** The Purchase object `{store}/{purchaseId}`: cart, checkout and order, one command at a time. */
export interface PurchaseRpc extends EventSource {
  create(command: CreateCommand): Promise<Outcome<{ cart: Cart; isReplay: boolean }>>
  cart(query: { secret: string }): Promise<Outcome<{ cart: Cart }>>
  /** SKUs on the cart with its market and locale: what the caller must look up before `update` moves the market. */
  context(query: { secret: string }): Promise<Outcome<{ skus: string[]; market: string; locale: string }>>
  putLine(command: PutLineCommand): Promise<Outcome<{ cart: Cart }>>
  /** `needsFacts`: there was no such line; with its facts, what a cut PUT of it took is given back too. */
  removeLine(command: RemoveLineCommand): Promise<Outcome<{ cart: Cart; needsFacts: boolean }>>
  update(command: UpdateCommand): Promise<Outcome<{ cart: Cart }>>
  /** Puts a code on the cart and holds one of its uses, where they are counted. */
  applyDiscount(command: CartCommand & { discount: Discount }): Promise<Outcome<{ cart: Cart }>>
  removeDiscount(command: CartCommand & { code: string }): Promise<Outcome<{ cart: Cart }>>
  abandon(command: CartCommand): Promise<Outcome<object>>

  /** Closes the lines and writes the attempt down; a known key answers its attempt, whatever has become of it. */
  beginCheckout(command: BeginCheckoutCommand): Promise<Outcome<{ attempt: number; isReplay: boolean }>>
  /** Takes the lease when it is free or overdue (`lease_lost` with `{ retryAt }` otherwise) and says what is next. */
  takeCheckout(query: { attempt: number | null }): Promise<Outcome<{ lease: Lease; step: CheckoutStep }>>
  reprice(command: {
    lease: Lease
    facts: VariantFacts[]
    terms: MarketTerms
    customer: CustomerKey | null
    /** Those of the step's codes that there still are. */
    discounts: Discount[]
  }): Promise<Outcome<{ step: CheckoutStep }>>
  hold(command: { lease: Lease }): Promise<Outcome<{ step: CheckoutStep }>>
  recordAuthorization(command: {
    lease: Lease
    result: AuthorizeResult
  }): Promise<Outcome<{ step: CheckoutStep }>>
  placeOrder(command: { lease: Lease }): Promise<Outcome<{ step: CheckoutStep }>>
  recordCapture(command: { lease: Lease; isCaptured: boolean }): Promise<Outcome<{ step: CheckoutStep }>>
  recordUndone(command: { lease: Lease; isDone: boolean }): Promise<Outcome<{ step: CheckoutStep }>>
  /** Null until the attempt has an answer. */
  checkoutAnswer(query: { attempt: number }): Promise<CheckoutAnswer | null>
  /** A provider's verified notification about a payment; repeats and any order are harmless. */
  notePayment(command: {
    provider: string
    paymentId: string
    eventId: string
    outcome: 'succeeded' | 'failed'
  }): Promise<Outcome<{ attempt: number }>>

  /** With the order's token, or null for staff whom the worker has checked. */
  order(query: { token: string | null }): Promise<Outcome<{ order: Order; timeline: TimelineEntry[] }>>
  commandOrder(command: OrderCommand): Promise<Outcome<{ order: Order; isReplay: boolean }>>
  /** `commandOrder` as workers before there were other commands call it. */
  cancel(command: CancelCommand): Promise<Outcome<{ order: Order; isReplay: boolean }>>
  /** Effects that wait for the worker, the first of each payment: taken by `Background.runEffects`, settled one by one. */
  pendingEffects(): Promise<PendingEffect[]>
  settleEffect(command: { id: string; isDone: boolean }): Promise<void>

  /** For audits; reading writes nothing. */
  allocations(): Promise<PurchaseAllocations>
  /** What the record should say of the order; null before there is one. */
  document(): Promise<OrderToRecord['document'] | null>
}

/** What the Purchase object's alarm asks of the worker (entrypoint `Background`, through `ctx.exports`). */
export interface BackgroundRpc {
  /** Goes on with a checkout that stopped half-way. */
  advanceCheckout(store: StoreRef, purchaseId: string): Promise<void>
  /** Runs the effects that order commands wrote down. */
  runEffects(store: StoreRef, purchaseId: string): Promise<void>
}

/** When an instant matters to both sides. 15 minutes for the shopper to finish a 3-D Secure step, as Stripe-hosted pages give. */
export const PAYMENT_WINDOW_MS = 15 * 60 * 1000
/** A runner that has not come back after this long is taken for dead. Longer than the slowest test provider (3 s). */
export const LEASE_MS = 10_000
export type { EpochMs }
