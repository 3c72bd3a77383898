import type { PurchaseAllocations } from '../../schema/rpc/purchase.ts'
import { type Allocated, isRunning, type PurchaseState } from './state.ts'

/** What the purchase has of Stock, for audits that compare the two. */
export function allocationsOf(state: PurchaseState | null, recordedVersion: number): PurchaseAllocations {
  const { attempt = null, order = null, allocations = [] } = state ?? {}
  const { deallocations = [], stockEffects = [] } = state ?? {}
  // A checkout that captures is past its allocations; every other running one may be making or undoing them.
  const isChanging = attempt !== null && isRunning(attempt) && attempt.stage !== 'capturing'
  return {
    isInFlight:
      isChanging || deallocations.length > 0 || stockEffects.some((effect) => effect.do === 'fulfill'),
    // A new attempt, its next stage and each change of the order make another.
    revision: [attempt?.number, attempt?.stage, order?.version].join('/'),
    isRecorded: order === null || order.version <= recordedVersion,
    allocations: goodsIn(allocations),
  }
}

/** Without quotas: those are no goods, and their names stand for customers. */
export function goodsIn(allocations: readonly Allocated[]): { item: string; quantity: number }[] {
  return allocations.filter(({ kind }) => kind === 'stock').map(({ item, quantity }) => ({ item, quantity }))
}
