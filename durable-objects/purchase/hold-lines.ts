import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { Decided } from './decide-cart.ts'
import { demandOf, isLive, type Need, needsToChange, supplyKey } from './demand.ts'
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
 * and is not prolonged. A cart that holds nothing now (at checkout only, or expired) is only held against its customer's
 * limits.
 */
export async function holdLines(
  stock: StockHolds,
  context: HoldContext,
  before: PurchaseState,
  after: PurchaseState,
  { supplies, skus, mayGrow }: Touched,
  at: EpochMs,
): Promise<Decided> {
  const needs = needsToChange(supplies, demandOf(after), before.holds, at)
  if (after.hold === 'checkout' || after.status === 'expired') {
    const quotas = needs.filter(({ kind, quantity }) => kind === 'quota' && quantity > 0)
    const refusals = mayGrow ? await stock.look(context, quotas) : new Map()
    return refusals.size > 0 ? refuseHold(after, skus, refusals) : { ok: true, state: after }
  }
  const changes = needs
    .map((need) => {
      const hold = holdOf(before, need)
      const since = sinceOf(hold, at, after.settings.holdTtlSeconds)
      return toChange(need, hold, since, holdUntil(at, since, after.settings.holdTtlSeconds), at)
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
  const demand = demandOf(state)
  const until = checkoutHoldUntil(at)
  const supplies = new Map([...demand.values(), ...state.holds].map((supply) => [supplyKey(supply), supply]))
  const changes = [...supplies].map(([key, { kind, item }]) => {
    const need = demand.get(key) ?? { kind, item, quantity: 0 }
    const hold = holdOf(state, need)
    if (!isLive(hold, at)) return toChange(need, hold, at, until, at)
    // A store whose holds outlast the payment window keeps them as they are. Checkouts that supersede each other are
    // renewing too: past the cap the hold ends when it would have ended, and is asked for anew if the payment comes.
    const latest = checkoutHoldUntil(renewableUntil(hold.since, state.settings.holdTtlSeconds))
    const expiresAt = Math.max(Math.min(until, latest), hold.expiresAt)
    return toChange(need, hold, hold.since, expiresAt, at)
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
  const targets: HoldTarget[] = []
  for (const hold of state.holds) {
    const { kind, item } = hold
    const until = state.hold === 'checkout' ? 0 : holdUntil(at, hold.since, state.settings.holdTtlSeconds)
    if (hold.expiresAt <= Math.max(until, at)) {
      kept.push(hold)
      continue
    }
    const isEnded = until <= at
    targets.push({ kind, item, quantity: isEnded ? 0 : hold.quantity, expiresAt: until })
    if (state.hold === 'line') kept.push({ ...hold, expiresAt: isEnded ? at : until })
  }
  await stock.settle(context, targets)
  return { ...state, holds: kept }
}

type Planned = HoldChange & { since: EpochMs }

function holdOf({ holds }: PurchaseState, supply: Supply): Hold | undefined {
  return holds.find((hold) => supplyKey(hold) === supplyKey(supply))
}

function toChange(
  need: Need,
  hold: Hold | undefined,
  since: EpochMs,
  expiresAt: EpochMs,
  at: EpochMs,
): Planned {
  const before = isLive(hold, at)
    ? { quantity: hold.quantity, expiresAt: hold.expiresAt }
    : { quantity: 0, expiresAt: 0 }
  return { ...need, expiresAt, since, before }
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
  if (verdict.kind === 'refused') return refuseHold(state, skus, verdict.refusals)
  const changed = new Map(changes.map((change) => [supplyKey(change), change]))
  const demand = demandOf(state)
  const holds = state.holds.filter((hold) => !changed.has(supplyKey(hold)) && demand.has(supplyKey(hold)))
  for (const [key, { kind, item, quantity, since, before, ...change }] of changed) {
    // What Stock did not hear of ends when it would have ended, not later.
    const expiresAt = verdict.unheard.has(key)
      ? Math.min(change.expiresAt, before.expiresAt)
      : change.expiresAt
    if (quantity > 0) holds.push({ kind, item, quantity, expiresAt, since })
  }
  return { ok: true, state: { ...state, holds } }
}
