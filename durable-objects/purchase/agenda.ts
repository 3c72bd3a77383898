import type { EpochMs } from '../../runtime/clock.ts'
import { LEASE_MS } from '../../schema/rpc/purchase.ts'
import { RENUDGE_AFTER_MS } from '../nudge.ts'
import { firstEffects } from './effects.ts'
import { isRunning, type PurchaseState } from './state.ts'

/** A cart that holds nothing keeps nothing from others, so it rests for a day before it counts as expired. */
export const CART_IDLE_MS = 24 * 3_600_000
/** As long as idempotency keys are kept: a shopper may still come back to an expired cart for a week. */
export const EMPTY_AFTER_MS = 7 * 24 * 3_600_000

export type Task = 'advance' | 'effects' | 'deallocate' | 'stock' | 'settle' | 'nudge' | 'expire' | 'empty'

export interface AgendaFacts {
  state: PurchaseState | null
  /** When the oldest event that the log does not have occurred. */
  unconfirmedSince: EpochMs | null
  /** An object without a purchase may still keep a refusal under its key until then. */
  keptUntil: EpochMs | null
}

/** What is to be done and when: the alarm is the earliest of these, and does those that are due. */
export function agendaOf({ state, unconfirmedSince, keptUntil }: AgendaFacts): Map<Task, EpochMs> {
  const agenda = new Map<Task, EpochMs>()
  if (unconfirmedSince !== null) agenda.set('nudge', unconfirmedSince + RENUDGE_AFTER_MS)
  if (!state) {
    if (keptUntil !== null) agenda.set('empty', keptUntil)
    return agenda
  }
  const { attempt } = state
  if (attempt && isRunning(attempt))
    agenda.set('advance', Math.max(attempt.leaseUntil, attempt.steppedAt + LEASE_MS))
  if (attempt?.stage === 'waiting') agenda.set('advance', attempt.windowEndsAt!)
  if (state.effects.length > 0) {
    agenda.set('effects', Math.min(...firstEffects(state.effects).map(({ nextAt }) => nextAt)))
  }
  if (state.deallocations.length > 0) agenda.set('deallocate', state.updatedAt)
  if (state.stockEffects.length > 0) {
    agenda.set('stock', Math.min(...state.stockEffects.map(({ nextAt }) => nextAt)))
  }
  if (state.status === 'open' && attempt?.hasLongHolds) agenda.set('settle', attempt.steppedAt + LEASE_MS)
  if (state.status === 'open') agenda.set('expire', cartExpiresAt(state))
  const isOver = state.status === 'abandoned' || state.status === 'expired'
  // Never while something is still to be told or given back.
  if (isOver && agenda.size === 0) {
    agenda.set('empty', Math.max(state.endedAt ?? 0, state.updatedAt) + EMPTY_AFTER_MS)
  }
  return agenda
}

/** When an open cart expires that nobody touches: with the last of its holds. */
export function cartExpiresAt({ holds, updatedAt, settings }: PurchaseState): EpochMs {
  if (holds.length === 0) return updatedAt + CART_IDLE_MS
  return Math.max(updatedAt + settings.holdTtlSeconds * 1000, ...holds.map(({ expiresAt }) => expiresAt))
}

/** First pause before a task that did not help is tried again, doubling up to the second number. */
const PAUSES_MS: Record<Task, [first: number, most: number]> = {
  // A checkout cut by a crash is to end within 30 s.
  advance: [2_000, 10_000],
  effects: [5_000, 60_000],
  deallocate: [2_000, 60_000],
  // The effects themselves say how long they wait.
  stock: [2_000, 60_000],
  settle: [2_000, 60_000],
  nudge: [RENUDGE_AFTER_MS, 60_000],
  expire: [1_000, 60_000],
  empty: [60_000, 3_600_000],
}

/** Keeps a task that stays due from running hot. Memory only: an eviction costs one early try. */
export class Pacing {
  readonly #tries = new Map<Task, { count: number; notBefore: EpochMs }>()

  /** The agenda with pauses counted in. */
  apply(agenda: ReadonlyMap<Task, EpochMs>): Map<Task, EpochMs> {
    for (const task of this.#tries.keys()) if (!agenda.has(task)) this.#tries.delete(task)
    return new Map(
      [...agenda].map(([task, at]) => [task, Math.max(at, this.#tries.get(task)?.notBefore ?? 0)]),
    )
  }

  tried(task: Task, at: EpochMs): void {
    const count = this.#tries.get(task)?.count ?? 0
    const [first, most] = PAUSES_MS[task]
    this.#tries.set(task, { count: count + 1, notBefore: at + Math.min(most, first * 2 ** count) })
  }
}
