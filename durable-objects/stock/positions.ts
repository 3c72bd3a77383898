import type { EpochMs } from '../../runtime/clock.ts'
import type { Position, PositionSafety } from '../../schema/rpc/stock.ts'
import {
  BEYOND_HAND,
  type Delta,
  isBeyondHand,
  type KeptPosition,
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
  let [onHand, safetyStock, reserved, allocated] = [0, policy.safetyStock, 0, 0]
  for (const position of positions) {
    reserved += position.reserved
    allocated += position.allocated
    if (!isLive(position, at)) continue
    onHand += position.onHand
    safetyStock += safetyAt(position)
  }
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
    const taken = Math.min(fromHand, Math.max(0, freeAt(position) - safetyAt(position)))
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

/** Applies deltas; a position that is not there yet is made, and those without a delta stay the objects that they were. */
export function applyDeltas(positions: readonly KeptPosition[], deltas: readonly Delta[]): KeptPosition[] {
  const next = [...positions]
  for (const { location, lot, onHand, reserved, allocated } of deltas) {
    const found = next.findIndex((p) => p.location === location && p.lot === lot)
    const was = next[found] ?? newPosition(location, lot)
    next[found === -1 ? next.length : found] = {
      ...was,
      onHand: was.onHand + onHand,
      reserved: was.reserved + reserved,
      allocated: was.allocated + allocated,
    }
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

/** The positions with the safety stocks of a policy: those it does not name have none, those that are new are made. */
export function withSafety(
  positions: readonly KeptPosition[],
  safeties: readonly PositionSafety[],
): KeptPosition[] {
  const isAt = (p: { location: string; lot: string }) => (q: { location: string; lot: string }) =>
    p.location === q.location && p.lot === q.lot
  const known = positions.map((position) => ({
    ...position,
    safetyStock: safeties.find(isAt(position))?.safetyStock ?? 0,
  }))
  const unknown = safeties.filter((safety) => safety.safetyStock > 0 && !positions.some(isAt(safety)))
  return [
    ...known,
    ...unknown.map(({ location, lot, locationPriority, safetyStock }) => ({
      ...newPosition(location, lot),
      priority: locationPriority,
      safetyStock,
    })),
  ]
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

export function inGivingOrder(positions: readonly KeptPosition[], at: EpochMs): KeptPosition[] {
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

/** Goods of a position that nobody was promised. */
export function freeAt(position: Pick<Position, 'onHand' | 'reserved' | 'allocated'>): number {
  return position.onHand - position.reserved - position.allocated
}

/** What is not there cannot be kept safe: another location's goods are not withheld for it. */
export function safetyAt({ safetyStock, onHand }: KeptPosition): number {
  return Math.min(safetyStock, onHand)
}

export function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0)
}
