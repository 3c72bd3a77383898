import { type EpochMs, toIsoOrNull } from '../../runtime/clock.ts'
import type { AvailabilityDocument, AvailabilityToRecord, Band } from '../../schema/rpc/source.ts'
import { nextArrivalAt } from './arrivals.ts'
import { isLive, sum, totalsOf } from './positions.ts'
import { isOnSale } from './sale.ts'
import { isBeyondHand, type KeptPosition, type StockState } from './state.ts'

/** What shoppers' pages say in place of a number. */
export function bandOf(figures: { available: number; backorder: number }, lowStockThreshold: number): Band {
  if (figures.available === 0) return figures.backorder > 0 ? 'backorder' : 'out_of_stock'
  return figures.available <= lowStockThreshold ? 'low_stock' : 'in_stock'
}

export function bandNow(state: StockState, at: EpochMs, storeThreshold = state.storeLowStockThreshold): Band {
  if (!isOnSale(state.policy, at)) return 'out_of_stock'
  return bandOf(totalsOf(state, at), state.policy.lowStockThreshold ?? storeThreshold)
}

/**
 * Stock that hovers at a threshold is told once a second, with what it is then; half of the two seconds in which a
 * sold-out product leaves the listing.
 */
export const BAND_REST_MS = 1_000

/** When a crossing that came too soon after the last one is told; null while the announced band is true. */
export function bandDueAt(state: StockState, at: EpochMs): EpochMs | null {
  if (bandNow(state, at) === state.band) return null
  // A clock that went back does not make the band rest until it has caught up.
  return state.bandAt > at ? at : state.bandAt + BAND_REST_MS
}

/** When more is expected: the policy's date, else the start of the sale, else the earliest arrival. */
export function availableOnOf({ policy, arrivals }: StockState, at: EpochMs): EpochMs | null {
  const { availableOn, saleStartsAt } = policy
  return [availableOn, saleStartsAt].find((date) => date !== null && date > at) ?? nextArrivalAt(arrivals, at)
}

/** The version of the availability document: grows with each ledger row and with each change that has none. */
export function documentVersion(state: Pick<StockState, 'sequence' | 'policyVersion'>): number {
  return state.sequence + state.policyVersion
}

/** The row that the relay records in D1 CATALOGUE. */
export function availabilityDocument(state: StockState, at: EpochMs): AvailabilityDocument {
  const { onHand, reserved, allocated, safetyStock, available } = totalsOf(state, at)
  const availableOn = availableOnOf(state, at)
  const located = state.positions.filter((position) => !isBeyondHand(position))
  return {
    // The announced one: page, event and document say the same.
    band: state.band,
    availableOn: toIsoOrNull(availableOn),
    onHand,
    reserved,
    allocated,
    safetyStock,
    available,
    backorderLimit: state.policy.backorderLimit,
    incoming: sum(state.arrivals, (arrival) => arrival.quantity),
    locations: [...new Set(located.map((position) => position.location))].sort(),
    byLocation: byLocation(located, at),
  }
}

/** The document with its version, as pulls and audits hand it out. */
export function documentOf(state: StockState, at: EpochMs): AvailabilityToRecord['document'] {
  return {
    kind: 'availability',
    item: state.item,
    version: documentVersion(state),
    document: availabilityDocument(state, at),
  }
}

/** What each location has, lots together; lots past their date have no goods. */
function byLocation(positions: readonly KeptPosition[], at: EpochMs): AvailabilityDocument['byLocation'] {
  const codes = [...new Set(positions.map((position) => position.location))].sort()
  return codes.map((location) => {
    const here = positions.filter((position) => position.location === location)
    return {
      location,
      onHand: sum(here, (position) => (isLive(position, at) ? position.onHand : 0)),
      reserved: sum(here, (position) => position.reserved),
      allocated: sum(here, (position) => position.allocated),
    }
  })
}

/** The next instant at which a lot with goods stops counting, for the band to follow it. */
export function nextLotEnd({ positions }: Pick<StockState, 'positions'>, at: EpochMs): EpochMs | null {
  const ends = positions
    .filter((position) => position.onHand > 0 && isLive(position, at))
    .flatMap((position) => position.expiresAt ?? [])
  return ends.length === 0 ? null : Math.min(...ends)
}
