import type { Outcome, Refusal } from '../../schema/outcome.ts'
import type { Change, Reservation } from './state.ts'

/**
 * What a decision answers and what it wants written. `change` is a movement with all that goes with it;
 * `reservation` alone is for what no partner hears of: a prolonged hold, a fence against a late command.
 */
export interface Decision<T extends object> {
  outcome: Outcome<T>
  change?: Change
  /** A second ledger row of the same command: what was missing of a transfer. */
  and?: Change
  reservation?: Reservation
}

export function refused(refusal: Refusal): { outcome: Refusal } {
  return { outcome: refusal }
}

/** Callers validate what people send; a figure that is no count of units is a bug, and stops before anything is written. */
export function assertUnits(quantity: number, least: number): void {
  if (!Number.isSafeInteger(quantity) || quantity < least)
    throw new Error(`${quantity} is no number of units`)
}
