import { newPosition } from '../../../durable-objects/stock/positions.ts'
import {
  type KeptPosition,
  NO_POLICY,
  type Reservation,
  type StockState,
} from '../../../durable-objects/stock/state.ts'
import type { StockPolicy } from '../../../schema/rpc/stock.ts'

export const AT = Date.UTC(2026, 10, 20, 12)

/** A position named by what a test is about. */
export function at(location: string, figures: Partial<KeptPosition>): KeptPosition {
  return { ...newPosition(location, ''), ...figures }
}

export function state(positions: KeptPosition[], policy: Partial<StockPolicy> = {}): StockState {
  return {
    item: 'TEE',
    store: { slug: 'default', jurisdiction: null, region: null },
    positions,
    arrivals: [],
    policy: { ...NO_POLICY, ...policy },
    storeLowStockThreshold: 2,
    band: 'in_stock',
    bandAt: 0,
    sequence: 7,
    policyVersion: 0,
  }
}

/** A reservation of purchase `p` at version 5. */
export function reservation(figures: Partial<Reservation> = {}): Reservation {
  const quantity = figures.quantity ?? 2
  return {
    purchaseId: 'p',
    version: 5,
    state: 'held',
    quantity,
    expiresAt: AT + 60_000,
    orderId: null,
    shares: [{ location: 'main', lot: '', quantity }],
    since: 3,
    commands: {},
    endedAt: null,
    ...figures,
  }
}
