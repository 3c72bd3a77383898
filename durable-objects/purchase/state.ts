import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import type { Address, Contact } from '../../schema/http/address.ts'
import type { Discount } from '../../schema/http/discount.ts'
import type { Order, TimelineEntry } from '../../schema/http/order.ts'
import type { Totals } from '../../schema/http/totals.ts'
import type { Money } from '../../schema/money.ts'
import type { Refusal } from '../../schema/outcome.ts'
import type { MarketTerms, VariantFacts } from '../../schema/rpc/catalogue-facts.ts'
import type {
  CheckoutAnswer,
  CustomerKey,
  PendingEffect,
  PurchaseSettings,
} from '../../schema/rpc/purchase.ts'
import type { Disposition } from '../../schema/rpc/stock.ts'

/** One line of the cart, with what the catalogue said of its variant when it was last put or priced. */
export interface Line {
  facts: VariantFacts
  quantity: number
  properties: Record<string, string>
}

/** A discount whose code the shopper gave, as the store had it when it was applied or last priced. */
export interface CartDiscount {
  discount: Discount
  /** False once a checkout found that it gives nothing: then no use of it is held or taken. */
  isCounted: boolean
}

/** Where units come from: a stock item, or a quota of what may be had in all, e.g. by one customer. */
export interface Supply {
  kind: 'stock' | 'quota'
  /** The name of the item, or of the quota. */
  item: string
}

/** What Stock granted of one supply over all lines. Stock alone ends it; this copy is for display and for arithmetic. */
export interface Hold extends Supply {
  quantity: number
  expiresAt: EpochMs
  /** When it was first held without a gap: renewing is capped from here. */
  since: EpochMs
}

/** Units that an order has of one supply. */
export interface Allocated extends Supply {
  quantity: number
}

/** Units of an order that must still be given back to one supply. */
export interface Deallocation extends Allocated {
  commandId: string
}

export interface Effect extends PendingEffect {
  tries: number
  nextAt: EpochMs
}

/** What a stock item must still be told about an order: goods that left the house, or came back. */
export type StockEffect = {
  /** The command id at the item, together with `refusals`. */
  id: string
  item: string
  quantity: number
  tries: number
  /** How often the item said no: its answers to goods that come back are kept under their key, so a new try needs a new one. */
  refusals: number
  nextAt: EpochMs
} & (
  | { do: 'fulfill'; fulfillmentId: string; location: string | null }
  | { do: 'return'; disposition: Disposition; location: string; locationPriority: number; actor: string }
)

export type AttemptStage =
  | 'repricing'
  | 'holding'
  | 'authorizing'
  | 'waiting'
  | 'placing'
  | 'capturing'
  | 'undoing'
  | 'done'
  | 'failed'

/** A payment that may hold money at the provider. */
export interface PaymentRef {
  provider: string
  paymentId: string
  /** '' until the provider named it: it is then known by `paymentId` alone. */
  providerReference: string
  amount: Money
}

export interface Attempt {
  number: number
  stage: AttemptStage
  fence: number
  /** 0 when nobody holds the lease. */
  leaseUntil: EpochMs
  begunAt: EpochMs
  /** Last recorded step: a checkout without a lease that rests longer than a lease has lost its runner. */
  steppedAt: EpochMs
  payment: { provider: string; token: string; returnUrl: string | null }
  paymentId: string
  providerReference: string | null
  expectedTotal: Money | null
  /** Decided by `reprice`; what is authorized, captured and ordered. */
  totals: Totals | null
  /** The instant the totals are of; rates may change while the shopper pays. */
  pricedAt: EpochMs
  /** Set when authorization begins; a payment that waits longer is undone. */
  windowEndsAt: EpochMs | null
  /** Written down before anything irreversible happens. */
  decision: 'commit' | 'void' | null
  /** Why it fails or failed: the answer, once the payment is given back. */
  refusal: Refusal | null
  /** A payment of a superseded attempt, undone before this attempt begins. */
  previous: PaymentRef | null
  /** A notification that overtook the provider's own answer. */
  noted: 'succeeded' | 'failed' | null
  /** The attempt failed, and Stock still holds its units for as long as a checkout may: they are set back next. */
  hasLongHolds: boolean
  /** What the shopper must do while the attempt waits. */
  actionUrl: string | null
}

export type PurchaseStatus = 'open' | 'checking_out' | 'completed' | 'abandoned' | 'expired'

/** Everything the object knows, as one document: read once, written whole with each change. */
export interface PurchaseState {
  purchaseId: string
  /** True when the id was derived from an `Idempotency-Key`, so that it may come again after this cart is forgotten. */
  isNamedByKey: boolean
  secret: string
  settings: PurchaseSettings
  terms: MarketTerms
  locale: string
  hold: 'line' | 'checkout'
  status: PurchaseStatus
  lines: Line[]
  /** In the order in which their codes were given. */
  discounts: CartDiscount[]
  holds: Hold[]
  /** The largest version sent to Stock; commands in doubt are overtaken by a larger one. */
  stockVersion: number
  contact: Contact | null
  /** Who the contact is, for quotas. */
  customer: CustomerKey | null
  shippingAddress: Address | null
  billingAddress: Address | null
  shippingMethod: string | null
  note: string | null
  metadata: Record<string, string>
  createdAt: EpochMs
  updatedAt: EpochMs
  /** When the cart expired or was abandoned: the self-emptying counts from here. */
  endedAt: EpochMs | null
  attempt: Attempt | null
  orderToken: string | null
  order: Order | null
  /** What the order has allocated, to be given back on cancellation. */
  allocations: Allocated[]
  effects: Effect[]
  deallocations: Deallocation[]
  stockEffects: StockEffect[]
  /** An effect needed a person once: from then on the record is told which do. */
  wasStuck?: true
  /** What happened to the order and who did it; the oldest go first. */
  timeline: TimelineEntry[]
  /** Number of the last event of each subject. */
  sequences: { cart: number; order: number }
}

/** An event before the storage gave it its id and its numbers. */
export interface EventDraft {
  type: EventType
  subject: 'cart' | 'order'
  data: object
}

/** What a decision changes: written in one transaction, with its events. */
export interface Change {
  state: PurchaseState
  events?: EventDraft[]
  /** The answer of an attempt; `isKept` false frees the key for a new attempt. */
  answer?: { attempt: number; answer: CheckoutAnswer; isKept: boolean }
}

/** A checkout that still has something to do by itself. */
export function isRunning({ stage }: Attempt): boolean {
  return stage !== 'waiting' && stage !== 'done' && stage !== 'failed'
}
