import type { EpochMs } from '../../runtime/clock.ts'
import type { Outcome } from '../outcome.ts'
import type { StoreRef } from '../store-ref.ts'
import type { IdempotencyStamp } from './idempotency.ts'
import type { Band, EventSource } from './source.ts'

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

export interface Levels {
  item: string
  onHand: number
  reserved: number
  allocated: number
  safetyStock: number
  /**
   * `max(0, onHand - reserved - allocated - safetyStock)`, backorder apart. `onHand` and `safetyStock` leave out lots
   * past their date; promises made from such a lot still count.
   */
  available: number
  backorderLimit: number
  positions: Position[]
  /** Of the item's last event: of the last movement, or of the band crossing it led to. */
  sequence: number
}

export interface StockPolicy {
  safetyStock: number
  backorderLimit: number
  availableOn: EpochMs | null
  /** Null: the store's `lowStockThreshold`, which the caller sends along. */
  lowStockThreshold: number | null
  saleStartsAt: EpochMs | null
  saleEndsAt: EpochMs | null
}

export interface ItemAvailability {
  item: string
  /** False for an item that never had a movement or a policy. */
  isKnown: boolean
  available: number
  /** Units that may still be promised beyond hand. */
  backorder: number
  band: Band
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

/** A movement by staff. The location was checked by the worker; its priority decides who gives first. */
export interface MoveCommand {
  store: StoreRef
  type: 'receive' | 'adjust' | 'count'
  location: string
  locationPriority: number
  lot: string
  expiresAt: EpochMs | null
  /** receive: 1 or more; adjust: signed, not 0; count: 0 or more. */
  quantity: number
  reason: AdjustReason | null
  reference: string | null
  note: string | null
  /** count only: refused as `stock_conflict` unless the position has this many on hand. */
  expectedOnHand: number | null
  actor: string
  lowStockThreshold: number
  idempotency: IdempotencyStamp
}

export interface MoveAnswer {
  movement: Movement
  levels: Levels
  isReplay: boolean
}

/**
 * The Stock object `{store}/{item}`. Refusals:
 * - `insufficient_stock` `{ requested, available }` (`available`: the most this purchase could hold now, its own hold
 *   counted in). Nothing changed.
 * - `stale_version` `{ version }` (the one to exceed): also a repeated reserve whose hold has ended meanwhile, since an
 *   answer never claims a hold that is no more.
 * - `reservation_ended`: there is no live hold to allocate; or reserve and release of what an order has; or a hold that
 *   would be over before it begins.
 * - `stock_conflict`: what was expected and found. Allocate of another quantity `{ requested, held }`; deallocate of more
 *   than is allocated `{ requested, allocated }`; movements `{ quantity, onHand }`, `{ expectedOnHand, onHand }`, ...
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
  move(command: MoveCommand): Promise<Outcome<MoveAnswer>>
  setPolicy(command: {
    store: StoreRef
    policy: StockPolicy
    lowStockThreshold: number
  }): Promise<Outcome<{ policy: StockPolicy; levels: Levels }>>
  /** Null for an item that never had a movement or a policy; reading one writes nothing. */
  levels(): Promise<{ levels: Levels; policy: StockPolicy } | null>
  availability(lowStockThreshold: number): Promise<ItemAvailability>
  /** The most units this purchase could hold now, its own hold counted in. A look, not a promise: only `reserve` grants. */
  mostFor(purchaseId: string): Promise<number>
  /** Newest first, below `before` (exclusive; null starts at the newest). */
  movements(query: { before: number | null; limit: number }): Promise<Movement[]>
}
