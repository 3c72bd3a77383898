import { runBounded } from '../../runtime/run-bounded.ts'
import { orderId, purchaseIdOf } from '../../schema/ids.ts'
import type { PurchaseAllocations } from '../../schema/rpc/purchase.ts'
import type { AllocationPage, StockDrift } from '../../schema/rpc/stock.ts'
import { askPurchase } from '../carts/purchase-call.ts'
import { ordersOfItem } from '../orders/order-item-store.ts'
import { askStock } from '../stock/ask-stock.ts'
import type { Store } from '../stores/store.ts'
import { compareOrders, type Difference } from './compare-orders.ts'
import { repairOrderItems, type WrongItem } from './repair-order-items.ts'

/** Reservations of the item, and orders of the record, on one page: some 10 ms of work in the object, 200 KB of answer. */
export const ORDERS_PAGE = 2_000

/** Purchases asked in one page: up to five calls each, of the 1,000 that an invocation may make (Workers limits). */
export const ASKED_MAX = 100
/** Of the 6 connections that an invocation may have open at once (Workers limits), half. */
const AT_ONCE = 3

export interface OrdersAudit {
  /** Purchases that were asked. */
  asked: number
  compared: number
  inFlight: number
  /** Purchases that could not be asked. */
  unchecked: number
  repaired: number
  drifts: Extract<StockDrift, { orderId: string }>[]
  upTo: string | null
  /** Purchases that nothing is said about: in flight or unchecked. */
  unsure: string[]
}

type Verdict =
  | { kind: 'sound' | 'in_flight' | 'unchecked' }
  /** Not in the purchase's own words. */
  | { kind: 'drift'; found: number; expected: number }

/**
 * One page of an item's allocations against the orders. Item and record are only compared; where they differ the
 * purchase is asked, which alone knows: a wrong record is written again, a wrong allocation is drift.
 */
export async function auditOrders(
  env: Env,
  store: Store,
  item: string,
  after: string,
  page: AllocationPage,
): Promise<OrdersAudit> {
  const range = { after: orderId(after), limit: ORDERS_PAGE }
  const recorded = await ordersOfItem(env, store.ref.slug, item, range)
  const isCut = recorded.length === ORDERS_PAGE
  const { differences, count, upTo } = compareOrders(
    { list: page.allocations, upTo: page.upTo },
    { list: recorded, upTo: isCut ? purchaseIdOf(recorded.at(-1)!.orderId) : null },
    ASKED_MAX,
  )
  const wrong: WrongItem[] = []
  const verdicts = await runBounded(differences, AT_ONCE, (difference) =>
    judge(env, store, item, difference, (units) => wrong.push({ purchaseId: difference.purchaseId, units })),
  )
  const repaired = await repairOrderItems(env, store, item, wrong)
  const of = (kind: Verdict['kind']) => differences.filter((_, i) => verdicts[i]!.kind === kind)
  return {
    asked: differences.length,
    compared: count,
    inFlight: of('in_flight').length,
    unchecked: of('unchecked').length,
    repaired,
    drifts: differences.flatMap(({ purchaseId }, i) => driftOf(purchaseId, verdicts[i]!)),
    upTo,
    unsure: [...of('in_flight'), ...of('unchecked')].map(({ purchaseId }) => purchaseId),
  }
}

/** What the purchase says of a difference; `recordIsWrong` hears of a record that should say something else. */
async function judge(
  env: Env,
  store: Store,
  item: string,
  { purchaseId, allocated, recorded }: Difference,
  recordIsWrong: (units: number) => void,
): Promise<Verdict> {
  const said = await ask(env, store, purchaseId)
  if (!said) return { kind: 'unchecked' }
  if (said.isInFlight) return { kind: 'in_flight' }
  const expected = unitsOf(said, item)
  if (said.isRecorded && expected !== recorded) recordIsWrong(expected)
  if (expected === allocated) return { kind: 'sound' }
  // The order may have changed since the item was read: it is read again, between two equal answers of the purchase.
  const stock = await askStock(env, store, item, async (object) => ({
    ok: true as const,
    units: await object.allocatedTo(purchaseId),
  }))
  const again = stock.ok && (await ask(env, store, purchaseId))
  if (!again) return { kind: 'unchecked' }
  if (again.isInFlight || again.revision !== said.revision) return { kind: 'in_flight' }
  return stock.units === expected ? { kind: 'sound' } : { kind: 'drift', found: stock.units, expected }
}

async function ask(env: Env, store: Store, purchaseId: string): Promise<PurchaseAllocations | null> {
  const said = await askPurchase(env, store.ref, purchaseId, async (purchase) => ({
    ok: true as const,
    ...(await purchase.allocations()),
  }))
  return said.ok ? said : null
}

export function unitsOf({ allocations }: PurchaseAllocations, item: string): number {
  return allocations.find((allocation) => allocation.item === item)?.quantity ?? 0
}

function driftOf(purchaseId: string, verdict: Verdict): OrdersAudit['drifts'] {
  if (verdict.kind !== 'drift') return []
  const { found, expected } = verdict
  const kind = found > expected ? 'allocation_without_order' : 'order_without_allocation'
  return [{ kind, orderId: orderId(purchaseId), found, expected }]
}
