import { now, toIso } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import type { ItemAudit } from '../../schema/http/audit.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { AllocationPage, StockAudit, StockDrift } from '../../schema/rpc/stock.ts'
import { askStock } from '../stock/ask-stock.ts'
import type { Store } from '../stores/store.ts'
import { auditOrders, ORDERS_PAGE, type OrdersAudit } from './audit-orders.ts'
import { auditRecord, type RecordAudit } from './audit-record.ts'

/** An audit with where it goes on; null at the end. */
export interface AuditPage {
  audit: Omit<ItemAudit, 'nextCursor'>
  next: string | null
  /** Purchases that were asked, which is what an audit costs most. */
  asked: number
}

/**
 * One page of an item's audit: its orders after a purchase ('' starts), and on the first page its counters and its record.
 * Projections that are wrong are written again; drift is told by the item's event and a log line, and nothing else is
 * touched. Costs two requests to the item's object, some reads of D1, and a request to each purchase that is asked.
 */
export async function auditItem(
  env: Env,
  store: Store,
  item: string,
  after: string,
): Promise<Outcome<AuditPage>> {
  const isFirst = after === ''
  const asked = await askStock(env, store, item, async (stock) => ({
    ok: true as const,
    allocations: await stock.allocations({ after, limit: ORDERS_PAGE }),
    audit: isFirst ? await stock.audit(store.lowStockThreshold) : null,
  }))
  if (!asked.ok) return asked
  const { audit, allocations } = asked
  try {
    const orders = await auditOrders(env, store, item, after, allocations)
    const record = isFirst ? await auditRecord(env, store, item, audit) : null
    const drifts = [...countersOf(audit), ...(record?.drifts ?? []), ...orders.drifts]
    if (isFirst && !audit && orders.compared + drifts.length === 0) return refuse('item_not_found')
    await report(env, store, item, drifts, { after, allocations, orders })
    const { upTo: next, asked: purchases } = orders
    return { ok: true, audit: answerOf(item, audit, record, orders, drifts), next, asked: purchases }
  } catch (error) {
    log('error', 'an audit could not be done', { store: store.ref.slug, item, error: errorText(error) })
    return refuse('unavailable', 'The record is not readable just now; repeat the request.')
  }
}

function countersOf(audit: StockAudit | null): StockDrift[] {
  return (audit?.drifts ?? []).map((drift) => ({ kind: 'counter', ...drift }))
}

function answerOf(
  item: string,
  audit: StockAudit | null,
  record: RecordAudit | null,
  { compared, inFlight, unchecked, repaired }: OrdersAudit,
  drifts: StockDrift[],
): AuditPage['audit'] {
  return {
    item,
    checkedAt: toIso(now()),
    sequence: audit?.sequence ?? null,
    isSound: drifts.length === 0 && unchecked === 0,
    drifts,
    orders: { compared, inFlight, unchecked, repaired },
    record: record && { isBehind: record.isBehind, isRepaired: record.isRepaired },
  }
}

/** The event is told by the item itself, once for as long as the drift stays the same; the log has a line each time. */
async function report(
  env: Env,
  store: Store,
  item: string,
  drifts: StockDrift[],
  seen: { after: string; allocations: AllocationPage; orders: OrdersAudit },
): Promise<void> {
  if (drifts.length > 0) log('error', 'stock drift', { store: store.ref.slug, item, ...summaryOf(drifts) })
  if (drifts.length === 0 && !seen.allocations.isDriftTold) return
  const { upTo, unsure } = seen.orders
  // The audit is done whether or not the item hears of it; the next one reports again.
  await askStock(env, store, item, async (stock) => {
    await stock.reportDrift({ scope: { after: seen.after, upTo, unsure }, drifts })
    return { ok: true as const }
  })
}

/** A log line stays short whatever was found: counts by kind, and the first few. */
const LOGGED_MAX = 10

function summaryOf(drifts: readonly StockDrift[]) {
  const count = (kind: StockDrift['kind']) => drifts.filter((drift) => drift.kind === kind).length
  return {
    counters: count('counter'),
    allocationsWithoutOrder: count('allocation_without_order'),
    ordersWithoutAllocation: count('order_without_allocation'),
    recordFields: count('record'),
    first: drifts.slice(0, LOGGED_MAX),
  }
}
