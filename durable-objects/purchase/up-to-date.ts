import type { PurchaseState } from './state.ts'

type Kept<T> = Omit<T, 'kind'> & { kind?: 'stock' | 'quota' }

/** What a version before quotas may have left out of a purchase's document. */
export type KeptPurchase = Omit<
  PurchaseState,
  'order' | 'customer' | 'holds' | 'allocations' | 'deallocations'
> & {
  customer?: string | null
  holds: Kept<PurchaseState['holds'][number]>[]
  allocations: Kept<PurchaseState['allocations'][number]>[]
  deallocations: Kept<PurchaseState['deallocations'][number]>[]
}

/**
 * A document of any age as this version knows it. Before there were quotas all units came from stock, and variants had no
 * limit for one customer; who the contact is will be said again by the checkout.
 */
export function upToDate(kept: KeptPurchase): Omit<PurchaseState, 'order'> {
  return {
    ...kept,
    customer: kept.customer ?? null,
    holds: kept.holds.map(ofKind),
    allocations: kept.allocations.map(ofKind),
    deallocations: kept.deallocations.map(ofKind),
    lines: kept.lines.map(({ facts, ...line }) => ({
      ...line,
      facts: { ...facts, maxPerCustomer: facts.maxPerCustomer ?? null },
    })),
  }
}

function ofKind<T extends { kind?: 'stock' | 'quota' }>(kept: T): T & { kind: 'stock' | 'quota' } {
  return { ...kept, kind: kept.kind ?? 'stock' }
}
