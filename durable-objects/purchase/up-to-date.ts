import type { Order } from '../../schema/http/order.ts'
import type { PurchaseState } from './state.ts'

type KeptTerms = Omit<PurchaseState['terms'], 'discounts' | 'taxRates'> &
  Partial<Pick<PurchaseState['terms'], 'discounts'>> & {
    taxRates: (Omit<PurchaseState['terms']['taxRates'][number], 'isReverseCharge'> & {
      isReverseCharge?: boolean
    })[]
  }
type Kept<T> = Omit<T, 'kind'> & { kind?: 'stock' | 'quota' }

/** What a version before quotas or discounts may have left out of a purchase's document. */
export type KeptPurchase = Omit<
  PurchaseState,
  | 'order'
  | 'customer'
  | 'terms'
  | 'discounts'
  | 'holds'
  | 'allocations'
  | 'deallocations'
  | 'stockEffects'
  | 'timeline'
> & {
  stockEffects?: PurchaseState['stockEffects']
  timeline?: PurchaseState['timeline']
  customer?: string | null
  terms: KeptTerms
  discounts?: PurchaseState['discounts']
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
    discounts: kept.discounts ?? [],
    terms: {
      ...kept.terms,
      discounts: kept.terms.discounts ?? [],
      taxRates: kept.terms.taxRates.map((rate) => ({
        ...rate,
        isReverseCharge: rate.isReverseCharge ?? false,
      })),
    },
    holds: kept.holds.map(ofKind),
    allocations: kept.allocations.map(ofKind),
    deallocations: kept.deallocations.map(ofKind),
    stockEffects: kept.stockEffects ?? [],
    timeline: kept.timeline ?? [],
    lines: kept.lines.map(({ facts, ...line }) => ({
      ...line,
      facts: { ...facts, categories: facts.categories ?? [], maxPerCustomer: facts.maxPerCustomer ?? null },
    })),
  }
}

function ofKind<T extends { kind?: 'stock' | 'quota' }>(kept: T): T & { kind: 'stock' | 'quota' } {
  return { ...kept, kind: kept.kind ?? 'stock' }
}

/** What a version that could only cancel whole orders left out of an order. */
export type KeptOrder = Omit<Order, 'lines' | 'refunds'> & {
  lines: (Omit<Order['lines'][number], 'credited'> & { credited?: number })[]
  refunds: (Omit<Order['refunds'][number], 'paymentId' | 'status'> &
    Partial<Pick<Order['refunds'][number], 'paymentId' | 'status'>>)[]
}

/** An order of any age as this version knows it: what was cancelled was given back, and a refund was told when it was done. */
export function orderUpToDate(kept: KeptOrder): Order {
  return {
    ...kept,
    lines: kept.lines.map((line) => ({ ...line, credited: line.credited ?? line.cancelled })),
    refunds: kept.refunds.map((refund) => ({
      ...refund,
      paymentId: refund.paymentId ?? kept.payments[0]?.id ?? '',
      status: refund.status ?? 'succeeded',
    })),
  }
}
