import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { Decided } from './decide-cart.ts'
import { demandOf, isLive, itemsToChange, lineShortages } from './demand.ts'
import { checkoutHoldUntil, holdUntil, renewableUntil } from './hold-limits.ts'
import type { Hold, PurchaseState } from './state.ts'
import type { HoldChange, HoldContext, StockHolds } from './stock-holds.ts'

/**
 * Makes Stock hold what the lines of `skus` need in `after`, all or nothing. An unchanged live hold costs no call and
 * is not prolonged. `mayGrow` false only gives back: for taking lines away, which nothing may refuse.
 */
export async function holdLines(
  stock: StockHolds,
  context: HoldContext,
  before: PurchaseState,
  after: PurchaseState,
  skus: ReadonlySet<string>,
  at: EpochMs,
  mayGrow = true,
): Promise<Decided> {
  if (after.hold === 'checkout') return { ok: true, state: after }
  const touched = [...before.lines, ...after.lines].filter(({ facts }) => skus.has(facts.sku))
  const items = touched.flatMap(({ facts }) => facts.stock.map(({ item }) => item))
  const changes = itemsToChange(items, demandOf(after.lines), before.holds, at)
    .map(({ item, quantity }) => {
      const hold = before.holds.find((other) => other.item === item)
      const since = sinceOf(hold, at, after.settings.holdTtlSeconds)
      return toChange(item, quantity, hold, since, holdUntil(at, since, after.settings.holdTtlSeconds), at)
    })
    .filter(({ quantity, before: was }) => mayGrow || quantity <= was.quantity)
  return apply(stock, context, after, changes, skus)
}

/** Makes Stock hold all that the cart needs until after the payment window, and nothing else. */
export async function holdForCheckout(
  stock: StockHolds,
  context: HoldContext,
  state: PurchaseState,
  at: EpochMs,
): Promise<Decided> {
  const demand = demandOf(state.lines)
  const until = checkoutHoldUntil(at)
  const items = new Set([...demand.keys(), ...state.holds.map(({ item }) => item)])
  const changes = [...items].map((item) => {
    const hold = state.holds.find((other) => other.item === item)
    if (!isLive(hold, at)) return toChange(item, demand.get(item) ?? 0, hold, at, until, at)
    // A store whose holds outlast the payment window keeps them as they are. Checkouts that supersede each other are
    // renewing too: past the cap the hold ends when it would have ended, and is asked for anew if the payment comes.
    const latest = checkoutHoldUntil(renewableUntil(hold.since, state.settings.holdTtlSeconds))
    const expiresAt = Math.max(Math.min(until, latest), hold.expiresAt)
    return toChange(item, demand.get(item) ?? 0, hold, hold.since, expiresAt, at)
  })
  const skus = new Set(state.lines.map(({ facts }) => facts.sku))
  return apply(stock, context, state, changes, skus)
}

/**
 * Sets the holds of a failed checkout back to the cart's time, the cap on renewing counted in; a cart that holds at
 * checkout only gives everything back. Best effort: what Stock did not hear ends by expiry.
 */
export async function holdAsCart(
  stock: StockHolds,
  context: HoldContext,
  state: PurchaseState,
  at: EpochMs,
): Promise<PurchaseState> {
  const kept: Hold[] = []
  const targets: { item: string; quantity: number; expiresAt: number }[] = []
  for (const hold of state.holds) {
    const until = state.hold === 'checkout' ? 0 : holdUntil(at, hold.since, state.settings.holdTtlSeconds)
    if (hold.expiresAt <= Math.max(until, at)) {
      kept.push(hold)
      continue
    }
    const isEnded = until <= at
    targets.push({ item: hold.item, quantity: isEnded ? 0 : hold.quantity, expiresAt: until })
    if (state.hold === 'line') kept.push({ ...hold, expiresAt: isEnded ? at : until })
  }
  await stock.settle(context, targets)
  return { ...state, holds: kept }
}

type Planned = HoldChange & { since: EpochMs }

function toChange(
  item: string,
  quantity: number,
  hold: Hold | undefined,
  since: EpochMs,
  expiresAt: EpochMs,
  at: EpochMs,
): Planned {
  const before = isLive(hold, at)
    ? { quantity: hold.quantity, expiresAt: hold.expiresAt }
    : { quantity: 0, expiresAt: 0 }
  return { item, quantity, expiresAt, since, before }
}

/** A live hold goes on counting from its first moment, unless the cap has passed while a checkout kept it. */
function sinceOf(hold: Hold | undefined, at: EpochMs, holdTtlSeconds: number): EpochMs {
  return isLive(hold, at) && holdUntil(at, hold.since, holdTtlSeconds) > at ? hold.since : at
}

async function apply(
  stock: StockHolds,
  context: HoldContext,
  state: PurchaseState,
  changes: readonly Planned[],
  skus: ReadonlySet<string>,
): Promise<Decided> {
  const needed = changes.filter(({ quantity, before }) => quantity > 0 || before.quantity > 0)
  const verdict = await stock.change(context, needed)
  if (verdict.kind === 'weather') return refuse('unavailable', 'Stock did not answer; nothing was changed.')
  if (verdict.kind === 'short') {
    return refuse('insufficient_stock', undefined, {
      lines: lineShortages(state.lines, skus, verdict.most),
    })
  }
  const changed = new Map(changes.map((change) => [change.item, change]))
  const demand = demandOf(state.lines)
  const holds = state.holds.filter(({ item }) => !changed.has(item) && demand.has(item))
  for (const { item, quantity, expiresAt, since } of changed.values()) {
    if (quantity > 0) holds.push({ item, quantity, expiresAt, since })
  }
  return { ok: true, state: { ...state, holds } }
}
