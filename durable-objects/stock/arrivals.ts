import type { EpochMs } from '../../runtime/clock.ts'
import type { Refusal } from '../../schema/outcome.ts'
import { refuse } from '../../schema/outcome.ts'
import type { Arrival, ArrivalCommand } from '../../schema/rpc/stock.ts'

/** Every event carries the arrivals: 100 are some 15 KB of it. */
export const ARRIVALS_MAX = 100

/** The arrivals with what a supplier announces: one a reference, 0 units take it away. */
export function announced(arrivals: readonly Arrival[], command: ArrivalCommand): Arrival[] | Refusal {
  const { reference, location, lot, quantity, expectedAt } = command
  const known = arrivals.find((arrival) => arrival.reference === reference)
  if (known?.kind === 'transfer') {
    return refuse('stock_conflict', 'This reference is a transfer; its receipts count it down.', {
      reference,
    })
  }
  if (quantity > 0 && !known && arrivals.length >= ARRIVALS_MAX) {
    return refuse('stock_conflict', `An item has ${ARRIVALS_MAX} arrivals at most.`, { limit: ARRIVALS_MAX })
  }
  return withArrival(arrivals, {
    reference,
    kind: 'supply',
    location,
    lot,
    quantity,
    expectedAt,
    expiresAt: null,
  })
}

/** Goods that arrive under the reference they were announced with are expected no more. */
export function received(
  arrivals: readonly Arrival[],
  goods: { reference: string | null; location: string; lot: string; quantity: number },
): Arrival[] {
  const due = arrivals.find(
    ({ kind, reference, location, lot }) =>
      kind === 'supply' &&
      reference === goods.reference &&
      location === goods.location &&
      // A supplier's lots are often known only when they are here.
      (lot === goods.lot || lot === ''),
  )
  if (!due) return [...arrivals]
  return withArrival(arrivals, { ...due, quantity: Math.max(0, due.quantity - goods.quantity) })
}

/** Replaces the arrival of the same reference; one without units leaves. In the order of their references. */
export function withArrival(arrivals: readonly Arrival[], changed: Arrival): Arrival[] {
  const others = arrivals.filter(({ reference }) => reference !== changed.reference)
  const next = changed.quantity > 0 ? [...others, changed] : others
  return next.sort((a, b) => (a.reference < b.reference ? -1 : 1))
}

/** The earliest instant at which more is expected. */
export function nextArrivalAt(arrivals: readonly Arrival[], at: EpochMs): EpochMs | null {
  const dates = arrivals.flatMap(({ expectedAt }) => expectedAt ?? []).filter((date) => date > at)
  return dates.length === 0 ? null : Math.min(...dates)
}
