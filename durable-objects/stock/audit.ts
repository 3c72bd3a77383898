import { purchaseIdOf } from '../../schema/ids.ts'
import type { CounterDrift, DriftScope, StockDrift } from '../../schema/rpc/stock.ts'
import { isBeyondHand } from './state.ts'

/** What is counted at one place. */
export interface Counts {
  location: string
  lot: string
  onHand: number
  reserved: number
  allocated: number
}

/** Shares of live promises count as goods do not: nothing is on hand by them. */
export type Promised = Omit<Counts, 'onHand'>

const COUNTERS = ['onHand', 'reserved', 'allocated'] as const

/**
 * Every counter recomputed: what the positions say, against the sum of the ledger and against the shares of the
 * reservations that live. A position that only one of them knows counts as 0 in the others.
 */
export function counterDrifts(
  positions: readonly Counts[],
  ledger: readonly Counts[],
  promised: readonly Promised[],
): CounterDrift[] {
  const [found, summed, shared] = [byPlace(positions), byPlace(ledger), byPlace(promised)]
  const places = [...new Set([...found.keys(), ...summed.keys(), ...shared.keys()])].sort()
  return places.flatMap((place) =>
    COUNTERS.flatMap((counter) => {
      const is = found.get(place)?.[counter] ?? 0
      const by = {
        ledger: summed.get(place)?.[counter] ?? 0,
        reservations: shared.get(place)?.[counter] ?? 0,
      }
      const witnesses = counter === 'onHand' ? (['ledger'] as const) : (['ledger', 'reservations'] as const)
      return witnesses
        .filter((witness) => by[witness] !== is)
        .map((witness) => ({ counter, where: place, found: is, expected: by[witness], by: witness }))
    }),
  )
}

function byPlace(list: readonly Promised[]): Map<string, Partial<Counts>> {
  const places = new Map<string, Partial<Counts>>()
  for (const entry of list) {
    const name = nameOf(entry)
    const sums = places.get(name) ?? {}
    for (const counter of COUNTERS) {
      sums[counter] = (sums[counter] ?? 0) + ((entry as Partial<Counts>)[counter] ?? 0)
    }
    places.set(name, sums)
  }
  return places
}

/** `main`, `main/LOT-7`; `beyond hand` for what was promised without goods. */
function nameOf(place: { location: string; lot: string }): string {
  if (isBeyondHand(place)) return 'beyond hand'
  return place.lot === '' ? place.location : `${place.location}/${place.lot}`
}

/** What is wrong, by what it is wrong with, and how; as long as it stays the same it is told once. */
export type Told = Record<string, string>

/** 200 of some 60 bytes are read with the item by every command: beyond them drift is in the log lines alone. */
export const TOLD_MAX = 200

/** What is told after an audit of `scope` found `drifts`, and whether something of it is news. */
export function tellDrift(
  told: Told,
  scope: DriftScope,
  drifts: readonly StockDrift[],
): { told: Told; isNews: boolean } {
  const outside = Object.entries(told).filter(([name]) => !isInScope(name, scope))
  const within = drifts
    .map((drift): [string, string] => [driftName(drift), `${drift.found}/${drift.expected}`])
    .slice(0, Math.max(0, TOLD_MAX - outside.length))
  return {
    told: Object.fromEntries([...outside, ...within]),
    isNews: within.some(([name, how]) => told[name] !== how),
  }
}

const ORDER = 'order/'

function driftName(drift: StockDrift): string {
  switch (drift.kind) {
    case 'counter':
      return `counter/${drift.by}/${drift.counter}/${drift.where}`
    case 'record':
      return `record/${drift.field}`
    default:
      return ORDER + purchaseIdOf(drift.orderId)
  }
}

/** Orders by their purchases' ids; all else belongs to the first page. */
function isInScope(name: string, { after, upTo, unsure }: DriftScope): boolean {
  if (!name.startsWith(ORDER)) return after === ''
  const purchaseId = name.slice(ORDER.length)
  const isSeen = purchaseId > after && (upTo === null || purchaseId <= upTo)
  return isSeen && !unsure.includes(purchaseId)
}
