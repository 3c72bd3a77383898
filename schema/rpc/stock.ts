import type { EpochMs } from '../../runtime/clock.ts'
import type { Outcome } from '../outcome.ts'
import type { StoreRef } from '../store-ref.ts'
import type { IdempotencyStamp } from './idempotency.ts'
import type { AvailabilityToRecord, Band, EventSource } from './source.ts'

/** A set of goods that are counted together. `lot` is '' where lots are not kept. */
export interface Position {
  location: string
  lot: string
  expiresAt: EpochMs | null
  onHand: number
  reserved: number
  allocated: number
  safetyStock: number
}

/** Goods on their way to a location: announced by a supplier, or sent from another location. Not on hand, not available. */
export interface Arrival {
  /** The document's number, unique in the item: a purchase order, or the id of the transfer. */
  reference: string
  kind: 'supply' | 'transfer'
  location: string
  lot: string
  /** Units still to come. */
  quantity: number
  expectedAt: EpochMs | null
  /** The sell-by date that the goods of a transfer bring along. */
  expiresAt: EpochMs | null
}

export interface Levels {
  item: string
  onHand: number
  reserved: number
  allocated: number
  safetyStock: number
  /**
   * `max(0, onHand - reserved - allocated - safetyStock)`, backorder apart. `onHand` and `safetyStock` leave out lots
   * past their date; promises made from such a lot still count. A position keeps no more safe than it has.
   */
  available: number
  backorderLimit: number
  /** Units of all arrivals. */
  incoming: number
  positions: Position[]
  arrivals: Arrival[]
  /** Of the item's last event: of the last movement, or of the band crossing it led to. */
  sequence: number
}

export interface StockPolicy {
  safetyStock: number
  backorderLimit: number
  availableOn: EpochMs | null
  /** Null: the store's `lowStockThreshold`, which the caller sends along. */
  lowStockThreshold: number | null
  /** Outside of `[saleStartsAt, saleEndsAt)` nothing is held anew. */
  saleStartsAt: EpochMs | null
  saleEndsAt: EpochMs | null
}

/** Units of one position that are never sold; a policy names all that are not 0. */
export interface PositionSafety {
  location: string
  locationPriority: number
  lot: string
  safetyStock: number
}

export interface ItemAvailability {
  item: string
  /** False for an item that never had a movement or a policy. */
  isKnown: boolean
  /** 0 while the item is not on sale. */
  available: number
  /** Units that may still be promised beyond hand. */
  backorder: number
  band: Band
  /** When more is expected: the policy's date, else the start of the sale, else the earliest arrival; null when past or unknown. */
  availableOn: EpochMs | null
  asOf: EpochMs
}

export const MOVEMENT_TYPES = [
  'reserve',
  'release',
  'expire',
  'allocate',
  'deallocate',
  'fulfill',
  'receive',
  'adjust',
  'count',
  'transfer',
  'return',
] as const
export type MovementType = (typeof MOVEMENT_TYPES)[number]

export const ADJUST_REASONS = [
  'damaged',
  'lost',
  'stolen',
  'found',
  'expired',
  'correction',
  'sample',
  'quality_hold',
  'quality_release',
] as const
export type AdjustReason = (typeof ADJUST_REASONS)[number]

/** What became of returned goods: back on the shelf, or thrown away. */
export const DISPOSITIONS = ['restock', 'write_off'] as const
export type Disposition = (typeof DISPOSITIONS)[number]

/** One ledger row as the API shows it; instants ISO 8601. */
export interface Movement {
  id: string
  sequence: number
  type: MovementType
  /** Units that the command named: signed for adjust, the counted figure for count. */
  quantity: number
  /** What changed where: the sum of these over the ledger is the present state of each position. */
  deltas: { location: string; lot: string; onHand: number; reserved: number; allocated: number }[]
  reason: string | null
  reference: string | null
  note: string | null
  /** Who did it: `purchase`, `alarm`, `root` or the id of an API key. */
  actor: string
  /** `ord_...` where the movement belongs to an order. A purchase that is still a cart is named by its id, which is no secret. */
  orderId: string | null
  purchaseId: string | null
  /** Returns only. */
  disposition: Disposition | null
  expiresAt: string | null
  occurredAt: string
}

export interface ReserveCommand {
  store: StoreRef
  purchaseId: string
  /** Grows with each reserve or release of this purchase; a lower or equal one with another content is refused as stale. */
  version: number
  /** Sets the quantity held (1 or more), does not add to it. */
  quantity: number
  expiresAt: EpochMs
  /** The store's band threshold, for items whose policy names none. */
  lowStockThreshold: number
  /** Quotas only: how many units there are in all. The caller knows it, nobody sets it beforehand. */
  limit?: number
}

export interface ReleaseCommand {
  store: StoreRef
  purchaseId: string
  version: number
}

export interface AllocateCommand {
  store: StoreRef
  purchaseId: string
  /** The command id: allocating again for the same order answers as the first time. */
  orderId: string
  /** Must equal the quantity held. */
  quantity: number
}

export interface DeallocateCommand {
  store: StoreRef
  orderId: string
  purchaseId: string
  /** Idempotent by this id for as long as the reservation is kept, e.g. `ord_.../cancellation/1`: another undoing needs another id. */
  commandId: string
  /** Units to give back to availability, at most what is still allocated. */
  quantity: number
}

/** Ships units that were allocated: they leave the positions that were chosen for the order. */
export interface FulfillCommand {
  store: StoreRef
  purchaseId: string
  orderId: string
  /** Idempotent by this id for as long as the reservation is kept, e.g. the id of the fulfillment. */
  commandId: string
  /** At most what is allocated and on hand. */
  quantity: number
  /** Ships from this location alone; null takes the positions in the order they were chosen. */
  location: string | null
  lowStockThreshold: number
}

/** Where units were taken from. */
export interface Taken {
  location: string
  lot: string
  quantity: number
}

interface StaffCommand {
  store: StoreRef
  reference: string | null
  note: string | null
  actor: string
  lowStockThreshold: number
  /** Each answer is kept 7 days under its key, in the transaction of the movement. */
  idempotency: IdempotencyStamp
}

/** Goods that arrive, change or are counted at one position. The location was checked by the worker; its priority decides who gives first. */
export interface GoodsCommand extends StaffCommand {
  type: 'receive' | 'adjust' | 'count' | 'return'
  location: string
  locationPriority: number
  lot: string
  expiresAt: EpochMs | null
  /** receive, return: 1 or more; adjust: signed, not 0; count: 0 or more. */
  quantity: number
  reason: AdjustReason | null
  /** count only: refused as `stock_conflict` unless the position has this many on hand. */
  expectedOnHand: number | null
  /** return only. */
  orderId: string | null
  disposition: Disposition | null
}

/** Sends free goods of one position to another location: they leave it now and are an arrival there until received. */
export interface DispatchCommand extends StaffCommand {
  type: 'dispatch'
  transferId: string
  location: string
  lot: string
  destination: string
  quantity: number
  expectedAt: EpochMs | null
}

/** Takes in what came of a transfer, in parts if need be; `missing` units are given up for lost. */
export interface ReceiptCommand extends StaffCommand {
  type: 'receipt'
  transferId: string
  /** The destination's priority. */
  locationPriority: number
  quantity: number
  missing: number
}

export type MoveCommand = GoodsCommand | DispatchCommand | ReceiptCommand

/** Gives back units that are allocated for a purchase whose order says that it does not have them. */
export interface ReclaimCommand extends StaffCommand {
  purchaseId: string
  orderId: string
  quantity: number
  /** What the purchase says that its order has of this item: no unit of it is given back. Null: it is just changing. */
  entitled: number | null
}

export interface MoveAnswer {
  movement: Movement
  levels: Levels
  isReplay: boolean
}

/** Sets what a supplier will bring under `reference`; 0 units takes it away. `receive` with that reference at that location counts it down. */
export interface ArrivalCommand {
  store: StoreRef
  reference: string
  location: string
  lot: string
  quantity: number
  expectedAt: EpochMs | null
  lowStockThreshold: number
}

/** A counter that is not what the ledger or the reservations say. `where` names the position, e.g. `main/LOT-7`. */
export interface CounterDrift {
  counter: 'onHand' | 'reserved' | 'allocated'
  where: string
  /** What it is. */
  found: number
  /** What the ledger's sum, or the reservations' shares, say. */
  expected: number
  by: 'ledger' | 'reservations'
}

/** What an audit found wrong: with a counter, with the units of one order, or with one field of the record. */
export type StockDrift =
  | ({ kind: 'counter' } & CounterDrift)
  /** The item has more units allocated (`found`) than the order says that it has (`expected`); or fewer. */
  | {
      kind: 'allocation_without_order' | 'order_without_allocation'
      orderId: string
      found: number
      expected: number
    }
  /** The record said `found` where the item says `expected`; it has been repaired, unless the item itself is gone. */
  | { kind: 'record'; field: string; found: string; expected: string }

/** The part of an item that an audit has seen: orders of purchases in `(after, upTo]`, the rest when `after` is ''. */
export interface DriftScope {
  after: string
  /** Null: to the end. */
  upTo: string | null
  /** Purchases in between that it could not be sure of. */
  unsure: string[]
}

export interface DriftReport {
  scope: DriftScope
  /** None when all is well in the scope. */
  drifts: StockDrift[]
}

/** Everything of one instant. */
export interface StockAudit {
  item: string
  sequence: number
  /** Movements up to here have left the object for the log; their sums are kept. */
  prunedSequence: number
  drifts: CounterDrift[]
  /** What the record should say. */
  document: AvailabilityToRecord['document']
  /** Since when the record may lawfully say something else: changes are on their way to it, or due. Null: it may not. */
  behindSince: EpochMs | null
}

/** What one order has of an item. */
export interface Allocation {
  purchaseId: string
  orderId: string
  quantity: number
}

/** All live allocations of purchases in `(after, upTo]`, in order. */
export interface AllocationPage {
  allocations: Allocation[]
  /** Null: to the end. */
  upTo: string | null
  /** Drift was told of the item, and is taken for lasting until a report says otherwise. */
  isDriftTold: boolean
}

/**
 * The Stock object `{store}/{item}`. Refusals:
 * - `insufficient_stock` `{ requested, available }` (`available`: the most this purchase could hold now, its own hold
 *   counted in). Nothing changed. Allocate too, when goods of the hold were lost meanwhile.
 * - `stale_version` `{ version }` (the one to exceed): also a repeated reserve whose hold has ended meanwhile, since an
 *   answer never claims a hold that is no more.
 * - `reservation_ended`: there is no live hold to allocate; or reserve and release of what an order has; or a hold that
 *   would be over before it begins.
 * - `stock_conflict`: what was expected and found. Allocate of another quantity `{ requested, held }`; deallocate and
 *   fulfill of more than is allocated `{ requested, allocated }`, or on hand there `{ requested, onHand }`; movements
 *   `{ quantity, onHand }`, `{ expectedOnHand, onHand }`, receipts `{ quantity, missing, incoming }`, reclaim of units
 *   that the order has `{ requested, allocated, entitled }`, ...
 * - `checkout_in_progress`: reclaim while the purchase is changing; not kept under the key.
 * - `not_on_sale` `{ saleStartsAt, saleEndsAt }` (ISO 8601 or null): reserve of more than is held, outside of the sale.
 * - `idempotency_key_reused`.
 *
 * A change of quantity is a movement and an event; a change of `expiresAt` alone is neither. Fully deallocated
 * units may be held again by the same purchase with a higher version.
 */
export interface StockRpc extends EventSource {
  reserve(command: ReserveCommand): Promise<Outcome<{ quantity: number; expiresAt: EpochMs }>>
  release(command: ReleaseCommand): Promise<Outcome<object>>
  allocate(command: AllocateCommand): Promise<Outcome<object>>
  deallocate(command: DeallocateCommand): Promise<Outcome<object>>
  fulfill(command: FulfillCommand): Promise<Outcome<{ taken: Taken[] }>>
  /** Units of this order's that `fulfill` could ship from there now. A look, not a promise. */
  shippable(query: { purchaseId: string; orderId: string; location: string | null }): Promise<number>
  move(command: MoveCommand): Promise<Outcome<MoveAnswer>>
  reclaim(command: ReclaimCommand): Promise<Outcome<MoveAnswer>>
  setArrival(command: ArrivalCommand): Promise<Outcome<{ levels: Levels }>>
  setPolicy(command: {
    store: StoreRef
    policy: StockPolicy
    positions: PositionSafety[]
    lowStockThreshold: number
  }): Promise<Outcome<{ policy: StockPolicy; levels: Levels }>>
  /** Null for an item that never had a movement or a policy; reading one writes nothing. */
  levels(): Promise<{ levels: Levels; policy: StockPolicy } | null>
  availability(lowStockThreshold: number): Promise<ItemAvailability>
  /**
   * Whether `reserve` would grant so many units now, or why not; `most`: how many this purchase could hold, its own hold
   * counted in. A look, not a promise: only `reserve` grants.
   */
  look(query: {
    purchaseId: string
    quantity: number
    /** As in `reserve`. */
    limit?: number
  }): Promise<Outcome<{ most: number }>>
  /**
   * Newest first, below `before` (exclusive; null starts at the newest). `olderInLog`: this is the end of what the object
   * keeps, and the log has the movements below.
   */
  movements(query: {
    before: number | null
    limit: number
  }): Promise<{ movements: Movement[]; olderInLog: boolean }>
  /** Null for an item that was never written to. With the store's threshold of today, which items that rest have not heard of. */
  audit(lowStockThreshold?: number): Promise<StockAudit | null>
  /** Looks at `limit` reservations at most. */
  allocations(query: { after: string; limit: number }): Promise<AllocationPage>
  /** Units that this purchase's order has allocated here. */
  allocatedTo(purchaseId: string): Promise<number>
  /** What the record should say now. */
  document(): Promise<StockAudit['document'] | null>
  /**
   * Told as `stock.drift_detected` when some of it was not told before, or says something else now. An item that was
   * never written to tells nothing.
   */
  reportDrift(report: DriftReport): Promise<{ isTold: boolean }>
}
