import type { EpochMs } from '../../runtime/clock.ts'
import {
  BEYOND_HAND,
  type Delta,
  isBeyondHand,
  type KeptPosition,
  type Reservation,
  type Share,
  type StockState,
} from './state.ts'

/** Sorts behind every instant. */
const NEVER = Number.MAX_SAFE_INTEGER

/** A lot stops counting at its `expiresAt`; what was promised from it still counts as promised. */
export function isLive(position: { expiresAt: EpochMs | null }, at: EpochMs): boolean {
  return position.expiresAt === null || position.expiresAt > at
}

export interface Totals {
  onHand: number
  reserved: number
  allocated: number
  safetyStock: number
  /** Units one could hold now from hand. */
  available: number
  /** Units that may be promised beyond those. */
  backorder: number
  /** `onHand + backorderLimit - safetyStock - reserved - allocated`: below 0 when goods were lost after the promise. */
  room: number
}

/** The sums that promise 1 speaks of: goods and safety of live positions, promises of all. */
export function totalsOf(
  { positions, policy }: Pick<StockState, 'positions' | 'policy'>,
  at: EpochMs,
): Totals {
  const live = positions.filter((position) => isLive(position, at))
  const onHand = sum(live, (p) => p.onHand)
  const safetyStock = policy.safetyStock + sum(live, (p) => p.safetyStock)
  const reserved = sum(positions, (p) => p.reserved)
  const allocated = sum(positions, (p) => p.allocated)
  const free = onHand - safetyStock - reserved - allocated
  const room = free + policy.backorderLimit
  const available = Math.max(0, free)
  return {
    onHand,
    reserved,
    allocated,
    safetyStock,
    available,
    backorder: Math.max(0, room - available),
    room,
  }
}

/**
 * Chooses where `quantity` units come from, or null when there is no room for all: first expired first out, then the
 * location's priority, then names, so that the choice is the same whoever computes it; the rest beyond hand.
 */
export function pick(state: StockState, quantity: number, at: EpochMs): Share[] | null {
  const { room, available } = totalsOf(state, at)
  if (quantity > room) return null
  let fromHand = Math.min(quantity, available)
  const shares: Share[] = []
  for (const position of inGivingOrder(state.positions, at)) {
    const taken = Math.min(fromHand, Math.max(0, freeAt(position) - position.safetyStock))
    if (taken > 0) shares.push({ location: position.location, lot: position.lot, quantity: taken })
    fromHand -= taken
  }
  const beyond = quantity - sum(shares, (share) => share.quantity)
  return beyond > 0 ? [...shares, { ...BEYOND_HAND, quantity: beyond }] : shares
}

/** Which of a promise's units go back first: those beyond hand, then the reverse of the order they were chosen in. */
export function giveBack(shares: readonly Share[], quantity: number): { kept: Share[]; given: Share[] } {
  const kept: Share[] = []
  const given: Share[] = []
  let left = quantity
  const lastFirst = [...shares.filter(isBeyondHand), ...shares.filter((s) => !isBeyondHand(s)).reverse()]
  for (const share of lastFirst) {
    const back = Math.min(left, share.quantity)
    left -= back
    if (back > 0) given.push({ ...share, quantity: back })
    if (share.quantity > back) kept.unshift({ ...share, quantity: share.quantity - back })
  }
  return { kept, given }
}

/** Units promised beyond hand that goods on hand could cover now. */
export function coverable(state: StockState, at: EpochMs): number {
  const beyond = state.positions.find(isBeyondHand)
  const waiting = beyond ? beyond.reserved + beyond.allocated : 0
  if (waiting === 0) return 0
  const { onHand, safetyStock, reserved, allocated } = totalsOf(state, at)
  return Math.min(waiting, Math.max(0, onHand - safetyStock - (reserved + allocated - waiting)))
}

/**
 * Moves promises from beyond hand to goods, in the order given (oldest first). Returns the reservations that
 * changed and the deltas; the sums of `reserved` and `allocated` stay as they were.
 */
export function cover(
  state: StockState,
  waiting: readonly Reservation[],
  at: EpochMs,
): { reservations: Reservation[]; deltas: Delta[] } {
  const free = inGivingOrder(state.positions, at).map((position) => ({
    location: position.location,
    lot: position.lot,
    quantity: Math.max(0, freeAt(position) - position.safetyStock),
  }))
  let left = coverable(state, at)
  const reservations: Reservation[] = []
  const deltas: Delta[] = []
  for (const reservation of waiting) {
    const beyond = reservation.shares.find(isBeyondHand)
    const moved = takeFrom(free, Math.min(left, beyond?.quantity ?? 0))
    const units = sum(moved, (share) => share.quantity)
    if (units === 0) continue
    left -= units
    const shares = addShares(giveBack(reservation.shares, units).kept, moved)
    reservations.push({ ...reservation, shares })
    const counter = reservation.state === 'held' ? 'reserved' : 'allocated'
    for (const share of [...moved, { ...BEYOND_HAND, quantity: -units }]) {
      const { location, lot, quantity } = share
      deltas.push({ location, lot, onHand: 0, reserved: 0, allocated: 0, [counter]: quantity })
    }
  }
  return { reservations, deltas }
}

/** Applies deltas; a position that is not there yet is made. */
export function applyDeltas(positions: readonly KeptPosition[], deltas: readonly Delta[]): KeptPosition[] {
  const next = positions.map((position) => ({ ...position }))
  for (const delta of deltas) {
    let position = next.find((p) => p.location === delta.location && p.lot === delta.lot)
    if (!position) {
      position = newPosition(delta.location, delta.lot)
      next.push(position)
    }
    position.onHand += delta.onHand
    position.reserved += delta.reserved
    position.allocated += delta.allocated
  }
  return next
}

/** One delta a position, none that changes nothing: what the ledger keeps. */
export function mergeDeltas(deltas: readonly Delta[]): Delta[] {
  const byPlace = new Map<string, Delta>()
  for (const delta of deltas) {
    const key = JSON.stringify([delta.location, delta.lot])
    const merged = byPlace.get(key) ?? { ...delta, onHand: 0, reserved: 0, allocated: 0 }
    merged.onHand += delta.onHand
    merged.reserved += delta.reserved
    merged.allocated += delta.allocated
    byPlace.set(key, merged)
  }
  return [...byPlace.values()].filter((d) => d.onHand !== 0 || d.reserved !== 0 || d.allocated !== 0)
}

export function newPosition(location: string, lot: string): KeptPosition {
  return {
    location,
    lot,
    expiresAt: null,
    onHand: 0,
    reserved: 0,
    allocated: 0,
    safetyStock: 0,
    priority: 0,
  }
}

/** Adds units to a promise, keeping one share a position. */
export function addShares(shares: readonly Share[], more: readonly Share[]): Share[] {
  const next = shares.map((share) => ({ ...share }))
  for (const { location, lot, quantity } of more) {
    const same = next.find((share) => share.location === location && share.lot === lot)
    if (same) same.quantity += quantity
    else next.push({ location, lot, quantity })
  }
  return next
}

function takeFrom(free: Share[], quantity: number): Share[] {
  const taken: Share[] = []
  let left = quantity
  for (const share of free) {
    const units = Math.min(left, share.quantity)
    if (units === 0) continue
    taken.push({ ...share, quantity: units })
    share.quantity -= units
    left -= units
  }
  return taken
}

function inGivingOrder(positions: readonly KeptPosition[], at: EpochMs): KeptPosition[] {
  return positions
    .filter((position) => isLive(position, at) && !isBeyondHand(position))
    .sort(
      (a, b) =>
        (a.expiresAt ?? NEVER) - (b.expiresAt ?? NEVER) ||
        a.priority - b.priority ||
        compareText(a.location, b.location) ||
        compareText(a.lot, b.lot),
    )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function freeAt(position: KeptPosition): number {
  return position.onHand - position.reserved - position.allocated
}

function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0)
}
