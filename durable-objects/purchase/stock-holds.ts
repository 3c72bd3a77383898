import { errorText, log } from '../../runtime/log.ts'
import type { Outcome } from '../../schema/outcome.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { stockOf } from '../stock/client.ts'
import { runBounded } from './run-bounded.ts'
import type { Deallocation } from './state.ts'

/** What a hold shall be, and what it is: 0 units before when there is none that lives. */
export interface HoldChange {
  item: string
  quantity: number
  expiresAt: number
  before: { quantity: number; expiresAt: number }
}

export type HoldVerdict =
  | { kind: 'held' }
  /** Nothing changed. `most`: how many units of each refused item this purchase could hold. */
  | { kind: 'short'; most: Map<string, number> }
  /** Stock could not be reached; nothing changed, or what did ends by expiry. */
  | { kind: 'weather' }

export type AllocationVerdict = 'allocated' | 'ended' | 'weather'

/** Versions of reservations: each larger than any before, also after a crash that lost the last ones sent. */
export interface VersionSource {
  next(): number
  raiseTo(version: number): void
}

export interface HoldContext {
  store: StoreRef
  purchaseId: string
  lowStockThreshold: number
  versions: VersionSource
}

/**
 * From this many items on, a look comes before the first hold: taking back 24 holds because of the 25th would cost seven rows
 * and two events each, and refuse others meanwhile what nobody buys. Below, looking first only costs a round trip.
 */
const LOOK_FIRST_FROM = 4

/** The calls to Stock on behalf of one purchase. The only place here that knows the weather of those calls. */
export class StockHolds {
  readonly #env: Env

  constructor(env: Env) {
    this.#env = env
  }

  /**
   * All or nothing. What grows is asked for first and only then is anything given up, so that a refusal can be taken
   * back: lowering and releasing are never refused. A crash in between is cured by the expiry of the hold.
   */
  async change(context: HoldContext, changes: readonly HoldChange[]): Promise<HoldVerdict> {
    const grows = changes.filter(({ quantity, before }) => quantity > 0 && quantity >= before.quantity)
    const shrinks = changes.filter((change) => !grows.includes(change))
    const most = await this.#lookFirst(context, grows)
    if (most.size > 0) return { kind: 'short', most }
    const asked = await runBounded(grows, (change) => this.#set(context, change))
    if (asked.every((verdict) => verdict === 'set')) {
      await this.#putBack(context, shrinks, (change) => change)
      return { kind: 'held' }
    }
    // Also where the answer was lost: it may have been granted.
    const granted = grows.filter((_, index) => typeof asked[index] !== 'number')
    await this.#putBack(context, granted, ({ item, before }) => ({ item, ...before }))
    if (asked.includes('weather')) return { kind: 'weather' }
    asked.forEach((verdict, index) => {
      if (typeof verdict === 'number') most.set(grows[index]!.item, verdict)
    })
    return { kind: 'short', most }
  }

  /** How many units of each item could be held, of those of which there are too few; a silent item is left to `reserve`. */
  async #lookFirst(context: HoldContext, changes: readonly HoldChange[]): Promise<Map<string, number>> {
    const more = changes.filter(({ quantity, before }) => quantity > before.quantity)
    if (more.length < LOOK_FIRST_FROM) return new Map()
    const seen = await runBounded(more, ({ item }) =>
      this.#reach(item, context, (stock) => stock.mostFor(context.purchaseId)),
    )
    const short = more.flatMap(({ item, quantity }, index): [string, number][] => {
      const most = seen[index]
      return typeof most === 'number' && most < quantity ? [[item, most]] : []
    })
    return new Map(short)
  }

  /** Lowers or releases, best effort: whatever fails ends by expiry. */
  async settle(
    context: HoldContext,
    targets: readonly { item: string; quantity: number; expiresAt: number }[],
  ): Promise<void> {
    await runBounded(targets, (target) => this.#set(context, target))
  }

  /** Turns the hold into the order's, whatever its end was meant to be. Allocating twice is once. */
  async allocate(
    context: HoldContext,
    orderId: string,
    demand: readonly { item: string; quantity: number }[],
  ): Promise<Map<string, AllocationVerdict>> {
    const verdicts = await runBounded(demand, async ({ item, quantity }): Promise<AllocationVerdict> => {
      const outcome = await this.#reach(item, context, (stock) =>
        stock.allocate({ store: context.store, purchaseId: context.purchaseId, orderId, quantity }),
      )
      if (outcome === null) return 'weather'
      return outcome.ok ? 'allocated' : 'ended'
    })
    return new Map(demand.map(({ item }, index) => [item, verdicts[index]!]))
  }

  /** Gives an order's units back; answers what could not be given back yet. */
  async deallocate(
    context: HoldContext,
    orderId: string,
    due: readonly Deallocation[],
  ): Promise<Deallocation[]> {
    const verdicts = await runBounded(due, async ({ item, quantity, commandId }) => {
      const { store, purchaseId } = context
      const outcome = await this.#reach(item, context, (stock) =>
        stock.deallocate({ store, purchaseId, orderId, commandId, quantity }),
      )
      if (outcome && !outcome.ok) {
        // Nothing is allocated there: an allocation that was refused, or given back before.
        log('warn', 'deallocation refused', { store: store.slug, purchaseId, code: outcome.code })
      }
      return outcome !== null
    })
    return due.filter((_, index) => !verdicts[index])
  }

  async #putBack(
    context: HoldContext,
    changes: readonly HoldChange[],
    target: (change: HoldChange) => { item: string; quantity: number; expiresAt: number },
  ): Promise<void> {
    await this.settle(context, changes.map(target))
  }

  /** 'set', 'weather', or the most units that could be held. */
  async #set(
    context: HoldContext,
    target: { item: string; quantity: number; expiresAt: number },
  ): Promise<'set' | 'weather' | number> {
    for (const isLastTry of [false, true]) {
      const outcome = await this.#send(context, target)
      if (outcome === null) return 'weather'
      if (outcome.ok) return 'set'
      if (outcome.code === 'stale_version' && !isLastTry) {
        context.versions.raiseTo(Number(outcome.facts?.version ?? 0))
        continue
      }
      if (outcome.code === 'insufficient_stock') return Number(outcome.facts?.available ?? 0)
      log('warn', 'hold refused', {
        store: context.store.slug,
        purchaseId: context.purchaseId,
        code: outcome.code,
      })
    }
    return 'weather'
  }

  #send(
    { store, purchaseId, lowStockThreshold, versions }: HoldContext,
    { item, quantity, expiresAt }: { item: string; quantity: number; expiresAt: number },
  ): Promise<Outcome<object> | null> {
    const version = versions.next()
    return this.#reach(item, { store, purchaseId }, (stock) =>
      quantity === 0
        ? stock.release({ store, purchaseId, version })
        : stock.reserve({ store, purchaseId, version, quantity, expiresAt, lowStockThreshold }),
    )
  }

  /** Null when the platform failed to reach the object or lost its answer. */
  async #reach<T>(
    item: string,
    { store, purchaseId }: { store: StoreRef; purchaseId: string },
    ask: (stock: ReturnType<typeof stockOf>) => Promise<T>,
  ): Promise<T | null> {
    try {
      return await ask(stockOf(this.#env, store, item))
    } catch (error) {
      log('warn', 'stock not reached', { store: store.slug, purchaseId, error: errorText(error) })
      return null
    }
  }
}
