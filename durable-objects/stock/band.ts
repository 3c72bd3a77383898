import type { EpochMs } from '../../runtime/clock.ts'
import type { AvailabilityDocument, Band } from '../../schema/rpc/source.ts'
import { isLive, totalsOf } from './positions.ts'
import { isBeyondHand, type StockState } from './state.ts'

/** What shoppers' pages say in place of a number. */
export function bandOf(figures: { available: number; backorder: number }, lowStockThreshold: number): Band {
  if (figures.available === 0) return figures.backorder > 0 ? 'backorder' : 'out_of_stock'
  return figures.available <= lowStockThreshold ? 'low_stock' : 'in_stock'
}

export function bandNow(state: StockState, at: EpochMs, storeThreshold = state.storeLowStockThreshold): Band {
  return bandOf(totalsOf(state, at), state.policy.lowStockThreshold ?? storeThreshold)
}

/** The version of the availability document: grows with each ledger row and with each change that has none. */
export function documentVersion(state: Pick<StockState, 'sequence' | 'policyVersion'>): number {
  return state.sequence + state.policyVersion
}

/** The row that the relay records in D1 CATALOGUE. */
export function availabilityDocument(state: StockState, at: EpochMs): AvailabilityDocument {
  const { onHand, reserved, allocated, safetyStock, available } = totalsOf(state, at)
  const { availableOn, backorderLimit } = state.policy
  const located = state.positions.filter((position) => !isBeyondHand(position))
  return {
    // The announced one: page, event and document say the same.
    band: state.band,
    availableOn: availableOn === null ? null : new Date(availableOn).toISOString(),
    onHand,
    reserved,
    allocated,
    safetyStock,
    available,
    backorderLimit,
    locations: [...new Set(located.map((position) => position.location))].sort(),
  }
}

/** The next instant at which a lot with goods stops counting, for the band to follow it. */
export function nextLotEnd({ positions }: Pick<StockState, 'positions'>, at: EpochMs): EpochMs | null {
  const ends = positions
    .filter((position) => position.onHand > 0 && isLive(position, at))
    .flatMap((position) => position.expiresAt ?? [])
  return ends.length === 0 ? null : Math.min(...ends)
}
