import type { EpochMs } from '../../runtime/clock.ts'
import { refuse } from '../../schema/outcome.ts'
import type { ReleaseCommand } from '../../schema/rpc/stock.ts'
import { type Decision, refused } from './decision.ts'
import { deltasOf, purchaseMovement, type Reservation } from './state.ts'

/**
 * Ends a hold by its purchase's wish. A release without a hold is remembered, so that a reserve which it
 * overtook on the way is refused as stale and does not hold for nobody.
 */
export function decideRelease(
  own: Reservation | null,
  { purchaseId, version }: ReleaseCommand,
  at: EpochMs,
): Decision<object> {
  if (own?.state === 'allocated' || own?.state === 'fulfilled') {
    return refused(refuse('reservation_ended', 'The units were allocated to an order.'))
  }
  if (own && (version < own.version || (version === own.version && own.state !== 'released'))) {
    return refused(refuse('stale_version', undefined, { version: own.version }))
  }
  const ok: Decision<object> = { outcome: { ok: true } }
  if (own && version === own.version) return ok
  const reservation: Reservation = {
    ...(own ?? {
      purchaseId,
      expiresAt: null,
      orderId: null,
      since: 0,
      commands: {},
    }),
    version,
    state: 'released',
    quantity: 0,
    shares: [],
    endedAt: at,
  }
  if (own?.state !== 'held') return { ...ok, reservation }
  const movement = purchaseMovement('release', own.quantity, { purchaseId, orderId: null })
  return {
    ...ok,
    change: { movement, deltas: deltasOf(own.shares, { reserved: -1 }), reservation, place: null },
  }
}
