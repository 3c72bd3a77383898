import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { Decided } from './decide-cart.ts'
import { allSupplies, demandOf, isLive, type Need, needsToChange, supplyKey } from './demand.ts'
import { checkoutHoldUntil, holdUntil, renewableUntil } from './hold-limits.ts'
import { refuseHold } from './refuse-hold.ts'
import type { Hold, PurchaseState, Supply } from './state.ts'
import type { HoldChange, HoldContext, HoldTarget, StockHolds } from './stock-holds.ts'

/** What a change of the cart is about. */
export interface Touched {
  supplies: readonly Supply[]
  /** The lines that are told of when they cannot be held. */
  skus: ReadonlySet<string>
  /** False only gives back: for taking lines away, which nothing may refuse. */
  mayGrow: boolean
}

/**
 * Makes Stock hold what the touched supplies are to give in `after`, all or nothing. An unchanged live hold costs no call
 * once Stock was heard to confirm it, and is never prolonged. A cart that holds nothing now (at checkout only, or expired)
 * is only held against its customer's limits.
 */
export async function holdLines(
  stock: StockHolds,
  context: HoldContext,
  before: PurchaseState,
  after: PurchaseState,
  { supplies, skus, mayGrow }: Touched,
  at: EpochMs,
): Promise<Decided> {
  const { heard } = stock
  const isConfirmed = heard.isConfirmed.bind(heard)
  const needs = needsToChange(supplies, demandOf(after), before.holds, at, isConfirmed)
  // What is taken away from an expired cart may still be held, if the last answer was not written down.
  if (after.hold === 'checkout' || (after.status === 'expired' && mayGrow)) {
    const quotas = needs.filter(({ kind, quantity }) => kind === 'quota' && quantity > 0)
    const refusals = mayGrow ? await stock.look(context, quotas) : new Map()
    return refusals.size > 0 ? refuseHold(after, skus, refusals) : { ok: true, state: after }
  }
  const { holdTtlSeconds } = after.settings
  const changes = needs.map((need) => {
    const hold = holdOf(before, need)
    if (isLive(hold, at) && hold.quantity === need.quantity) {
      return toChange(stock, need, hold, hold.since, hold.expiresAt, at)
    }
    const since = sinceOf(hold, at, holdTtlSeconds)
    return toChange(stock, need, hold, since, holdUntil(at, since, holdTtlSeconds), at)
  })
  if (mayGrow) return apply(stock, context, after, changes, skus, at)
  const lowered = changes.filter(({ quantity, before: was }) => quantity <= was.quantity)
  return { ok: true, state: withHolds(stock, after, lowered, await stock.settle(context, lowered), at) }
}

/** Makes Stock hold all that the cart needs until after the payment window, and nothing else. */
export async function holdForCheckout(
  stock: StockHolds,
  context: HoldContext,
  state: PurchaseState,
  at: EpochMs,
): Promise<Decided> {
  const demand = demandOf(state)
  const until = checkoutHoldUntil(at)
  const changes = [...allSupplies(state)].map(([key, supply]) => {
    const need = demand.get(key) ?? { ...supply, quantity: 0 }
    const hold = holdOf(state, need)
    if (!isLive(hold, at)) return toChange(stock, need, hold, at, until, at)
    // A store whose holds outlast the payment window keeps them as they are. Checkouts that supersede each other are
    // renewing too: past the cap the hold ends when it would have ended, and is asked for anew if the payment comes.
    const latest = checkoutHoldUntil(renewableUntil(hold.since, state.settings.holdTtlSeconds))
    const expiresAt = Math.max(Math.min(until, latest), hold.expiresAt)
    return toChange(stock, need, hold, hold.since, expiresAt, at)
  })
  const skus = new Set(state.lines.map(({ facts }) => facts.sku))
  return apply(stock, context, state, changes, skus, at)
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
  const targets: HoldTarget[] = []
  for (const supply of allSupplies(state).values()) {
    const hold = holdOf(state, supply)
    const since = hold?.since ?? at
    const until = state.hold === 'checkout' ? 0 : holdUntil(at, since, state.settings.holdTtlSeconds)
    const isShort = !hold || hold.expiresAt <= Math.max(until, at)
    if (hold && isShort) kept.push(hold)
    // The document may know a shorter hold than Stock has, or none.
    if (isShort && !stock.heard.isInDoubt(supply)) continue
    const expiresAt = isShort ? (hold?.expiresAt ?? 0) : until
    const isEnded = expiresAt <= at
    targets.push({ ...supply, quantity: isEnded ? 0 : (hold?.quantity ?? 0), expiresAt })
    if (hold && !isShort && state.hold === 'line') kept.push({ ...hold, expiresAt: isEnded ? at : until })
  }
  await stock.settle(context, targets)
  return { ...state, holds: stock.heard.correct(kept, at) }
}

/**
 * Ends all that the purchase holds or may hold. Best effort: what Stock does not hear ends by expiry, as does what a line
 * took that was never written down. A cart that holds at checkout only is in doubt after a checkout that was cut, and else
 * known to hold nothing.
 */
export async function releaseAll(
  stock: StockHolds,
  context: HoldContext,
  state: PurchaseState,
  at: EpochMs,
): Promise<void> {
  const mayBeHeld = (supply: Supply): boolean => {
    const hold = holdOf(state, supply)
    if (isLive(hold, at)) return true
    return state.hold === 'line' ? !stock.heard.isConfirmed(supply, hold, at) : stock.heard.isInDoubt(supply)
  }
  const held = [...allSupplies(state).values()].filter(mayBeHeld)
  await stock.settle(
    context,
    held.map((supply) => ({ ...supply, quantity: 0, expiresAt: 0 })),
  )
}

type Planned = HoldChange & { since: EpochMs }

function holdOf({ holds }: PurchaseState, supply: Supply): Hold | undefined {
  return holds.find((hold) => supplyKey(hold) === supplyKey(supply))
}

function toChange(
  { heard }: StockHolds,
  need: Need,
  hold: Hold | undefined,
  since: EpochMs,
  expiresAt: EpochMs,
  at: EpochMs,
): Planned {
  const before = isLive(hold, at)
    ? { quantity: hold.quantity, expiresAt: hold.expiresAt }
    : { quantity: 0, expiresAt: 0 }
  return { ...need, expiresAt, since, before, isDoubtful: !heard.isConfirmed(need, hold, at) }
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
  at: EpochMs,
): Promise<Decided> {
  const needed = changes.filter(
    ({ quantity, before, isDoubtful }) => quantity > 0 || before.quantity > 0 || isDoubtful,
  )
  const verdict = await stock.change(context, needed)
  if (verdict.kind === 'weather') return refuse('unavailable', 'Stock did not answer; nothing was changed.')
  if (verdict.kind === 'refused') return refuseHold(state, skus, verdict.refusals)
  return { ok: true, state: withHolds(stock, state, changes, verdict.unheard, at) }
}

/** The state with what its holds were changed to, as far as Stock heard. */
function withHolds(
  { heard }: StockHolds,
  state: PurchaseState,
  changes: readonly Planned[],
  unheard: ReadonlySet<string>,
  at: EpochMs,
): PurchaseState {
  const changed = new Map(changes.map((change) => [supplyKey(change), change]))
  const demand = demandOf(state)
  const holds = state.holds.filter((hold) => !changed.has(supplyKey(hold)) && demand.has(supplyKey(hold)))
  for (const [key, { kind, item, quantity, since, before, ...change }] of changed) {
    // What Stock did not hear of ends when it would have ended, not later.
    const expiresAt = unheard.has(key) ? Math.min(change.expiresAt, before.expiresAt) : change.expiresAt
    if (quantity > 0) holds.push({ kind, item, quantity, expiresAt, since })
  }
  return { ...state, holds: heard.correct(holds, at) }
}
