import { errorText, log } from '../../runtime/log.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import type { Outcome, Refusal } from '../../schema/outcome.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { quotaOf } from '../quota/client.ts'
import { stockOf } from '../stock/client.ts'
import { type Need, supplyKey } from './demand.ts'
import { HeardHolds } from './heard-holds.ts'
import type { SupplyRefusals } from './refuse-hold.ts'
import type { Allocated, Deallocation, Supply } from './state.ts'
import { inTurns } from './take-in-turns.ts'

/** What a hold shall be; 0 units end it. */
export interface HoldTarget extends Need {
  expiresAt: number
}

/** What a hold shall be, and what it is: 0 units before when there is none that lives. */
export interface HoldChange extends HoldTarget {
  before: { quantity: number; expiresAt: number }
  /** `before` was not heard from Stock in this life of the object: it may be more there, or less (see `HeardHolds`). */
  isDoubtful?: boolean
}

export type HoldVerdict =
  /** `unheard`: what was to be lowered and may still be as it was, since Stock did not answer; by `supplyKey`. */
  | { kind: 'held'; unheard: ReadonlySet<string> }
  /** Nothing changed. */
  | { kind: 'refused'; refusals: SupplyRefusals }
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

/** What a supply said to a hold. */
type Answer = 'set' | 'weather' | Refusal

/** 32 calls to other objects at once: a cart of 1,000 lines takes some 30 rounds and does not flood its isolate. */
export const CALLS_AT_ONCE = 32

/** The calls to Stock on behalf of one purchase. The only place here that knows the weather of those calls. */
export class StockHolds {
  readonly heard = new HeardHolds()
  readonly #env: Env

  constructor(env: Env) {
    this.#env = env
  }

  /**
   * All or nothing. What grows is asked for first and only then is anything given up, so that a refusal can be taken
   * back: lowering is refused only where goods were lost meanwhile, which the checkout finds out, and releasing never. But
   * what seems to be lowered may grow where it is in doubt what is held: that is asked too, after all that surely grows.
   * A crash in between is cured by the next change of the same supply, and by the expiry of the hold.
   */
  async change(context: HoldContext, changes: readonly HoldChange[]): Promise<HoldVerdict> {
    const grows = changes.filter(({ quantity, before }) => quantity > 0 && quantity >= before.quantity)
    const mayGrow = changes.filter(
      (change) => change.isDoubtful && change.quantity > 0 && !grows.includes(change),
    )
    const shrinks = changes.filter((change) => !grows.includes(change) && !mayGrow.includes(change))
    const asked = new Map<HoldChange, Answer>()
    let refusals = await this.#take(context, grows, asked)
    if (areSet(grows, asked)) refusals = await this.#ask(context, mayGrow, asked)
    if (areSet([...grows, ...mayGrow], asked)) {
      return { kind: 'held', unheard: await this.settle(context, shrinks) }
    }
    // Also where the answer was lost: it may have been granted. And what the cart shows as held is made sure of, for the
    // refusal to be the truth.
    const isToSet = (change: HoldChange) =>
      typeof asked.get(change) === 'string' ||
      (change.isDoubtful && change.before.quantity > 0 && !asked.has(change))
    await this.settle(
      context,
      changes.filter(isToSet).map((change) => ({ ...change, ...change.before })),
    )
    return [...asked.values()].includes('weather') ? { kind: 'weather' } : { kind: 'refused', refusals }
  }

  /**
   * Asks for what grows, until something is refused; fills `asked`. Several new claims look first: taking back 24 holds
   * because of the 25th costs seven rows and two events each, and refuses others meanwhile what nobody buys. What they
   * see also says whom to ask in turn (see `inTurns`).
   */
  async #take(
    context: HoldContext,
    grows: readonly HoldChange[],
    asked: Map<HoldChange, Answer>,
  ): Promise<SupplyRefusals> {
    const claims = grows.filter(({ quantity, before }) => quantity > before.quantity)
    const looked = claims.length > 1 ? await this.#look(context, claims) : new Map<string, never>()
    const seen = refusalsIn([...looked])
    if (seen.size > 0) return seen
    const contested = claims.length > 1 ? claims : []
    const { oneByOne, atOnce } = inTurns(
      contested.map((change) => {
        const most = looked.get(supplyKey(change))
        const spare = typeof most === 'number' ? most - change.quantity : null
        return { name: supplyKey(change), spare, take: change }
      }),
    )
    for (const change of oneByOne) {
      const answer = await this.#set(context, change)
      asked.set(change, answer)
      if (answer !== 'set') return refusalsIn([[supplyKey(change), answer]])
    }
    return this.#ask(context, [...atOnce, ...grows.filter((change) => !contested.includes(change))], asked)
  }

  /** Asks for all of these at once; fills `asked`, and answers what was refused of all that is in it. */
  async #ask(
    context: HoldContext,
    changes: readonly HoldChange[],
    asked: Map<HoldChange, Answer>,
  ): Promise<SupplyRefusals> {
    const answers = await runBounded(changes, CALLS_AT_ONCE, (change) => this.#set(context, change))
    changes.forEach((change, index) => void asked.set(change, answers[index]!))
    return refusalsIn([...asked].map(([change, answer]) => [supplyKey(change), answer]))
  }

  /** Which of these needs would be refused now. A look, not a promise; a supply that is silent refuses nothing here. */
  async look(context: HoldContext, needs: readonly Need[]): Promise<SupplyRefusals> {
    return refusalsIn([...(await this.#look(context, needs))])
  }

  /** The most units of each supply that the purchase could hold, or why it could not hold what it needs; null: silence. */
  async #look(context: HoldContext, needs: readonly Need[]): Promise<Map<string, number | Refusal | null>> {
    const { purchaseId } = context
    const seen = await runBounded(needs, CALLS_AT_ONCE, async (need) => {
      const { quantity, limit } = need
      const outcome = await this.#reach(need, context, (supply) =>
        supply.look({ purchaseId, quantity, ...(limit !== undefined && { limit }) }),
      )
      return outcome?.ok ? outcome.most : outcome
    })
    return new Map(needs.map((need, index) => [supplyKey(need), seen[index]!]))
  }

  /** Sets holds that nothing refuses: lowers or releases. Best effort: whatever is not heard, as answered, ends by expiry. */
  async settle(context: HoldContext, targets: readonly HoldTarget[]): Promise<Set<string>> {
    const answers = await runBounded(targets, CALLS_AT_ONCE, (target) => this.#set(context, target))
    const unheard = targets.filter((_, index) => answers[index] !== 'set')
    return new Set(unheard.map(supplyKey))
  }

  /** Turns the hold into the order's, whatever its end was meant to be. Allocating twice is once. By `supplyKey`. */
  async allocate(
    context: HoldContext,
    orderId: string,
    demand: readonly Allocated[],
  ): Promise<Map<string, AllocationVerdict>> {
    const verdicts = await runBounded(demand, CALLS_AT_ONCE, async (need): Promise<AllocationVerdict> => {
      const { store, purchaseId } = context
      this.heard.forget(need)
      const outcome = await this.#reach(need, context, (supply) =>
        supply.allocate({ store, purchaseId, orderId, quantity: need.quantity }),
      )
      if (outcome === null) return 'weather'
      return outcome.ok ? 'allocated' : 'ended'
    })
    return new Map(demand.map((need, index) => [supplyKey(need), verdicts[index]!]))
  }

  /** Gives an order's units back; answers what could not be given back yet. */
  async deallocate(
    context: HoldContext,
    orderId: string,
    due: readonly Deallocation[],
  ): Promise<Deallocation[]> {
    const verdicts = await runBounded(due, CALLS_AT_ONCE, async (deallocation) => {
      const { store, purchaseId } = context
      const { quantity, commandId } = deallocation
      const outcome = await this.#reach(deallocation, context, (supply) =>
        supply.deallocate({ store, purchaseId, orderId, commandId, quantity }),
      )
      if (outcome && !outcome.ok) {
        // Nothing is allocated there: an allocation that was refused, or given back before.
        log('warn', 'deallocation refused', { store: store.slug, purchaseId, code: outcome.code })
      }
      return outcome !== null
    })
    return due.filter((_, index) => !verdicts[index])
  }

  async #set(context: HoldContext, target: HoldTarget): Promise<Answer> {
    const known = this.heard.asking(target)
    for (const isLastTry of [false, true]) {
      const outcome = await this.#send(context, target)
      if (outcome === null) return 'weather'
      if (outcome.ok) {
        this.heard.granted(target, target)
        return 'set'
      }
      if (outcome.code === 'stale_version' && !isLastTry) {
        context.versions.raiseTo(Number(outcome.facts?.version ?? 0))
        continue
      }
      if (outcome.code === 'insufficient_stock' || outcome.code === 'not_on_sale') {
        // Both are said only where less is held than was asked for.
        const most = Math.min(target.quantity - 1, Number(outcome.facts?.available ?? target.quantity))
        this.heard.refused(target, known, most)
        return outcome
      }
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
    target: HoldTarget,
  ): Promise<Outcome<object> | null> {
    const { quantity, expiresAt, limit } = target
    const version = versions.next()
    return this.#reach(target, { store, purchaseId }, (supply) =>
      quantity === 0
        ? supply.release({ store, purchaseId, version })
        : supply.reserve({
            store,
            purchaseId,
            version,
            quantity,
            expiresAt,
            lowStockThreshold,
            ...(limit !== undefined && { limit }),
          }),
    )
  }

  /** Null when the platform failed to reach the object or lost its answer. */
  async #reach<T>(
    { kind, item }: Supply,
    { store, purchaseId }: { store: StoreRef; purchaseId: string },
    ask: (supply: ReturnType<typeof quotaOf>) => Promise<T>,
  ): Promise<T | null> {
    try {
      return await ask(kind === 'quota' ? quotaOf(this.#env, store, item) : stockOf(this.#env, store, item))
    } catch (error) {
      log('warn', 'stock not reached', { store: store.slug, purchaseId, kind, error: errorText(error) })
      return null
    }
  }
}

function areSet(changes: readonly HoldChange[], asked: ReadonlyMap<HoldChange, Answer>): boolean {
  return changes.every((change) => asked.get(change) === 'set')
}

function refusalsIn(answers: readonly [key: string, answer: unknown][]): SupplyRefusals {
  return new Map(
    answers.filter((entry): entry is [string, Refusal] => typeof entry[1] === 'object' && entry[1] !== null),
  )
}
