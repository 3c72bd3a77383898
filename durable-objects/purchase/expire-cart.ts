import { now } from '../../runtime/clock.ts'
import { cartExpiresAt } from './agenda.ts'
import { cartExpiredEvent } from './event-data.ts'
import type { PurchaseRecord } from './record.ts'

/**
 * Marks a cart that nobody touched while its last hold ran out, and says so once. It stays usable: a PUT of a line or
 * a checkout opens it again. An empty cart is no news to anybody.
 */
export function expireCart(record: PurchaseRecord): void {
  const { state } = record
  const at = now()
  if (state?.status !== 'open' || cartExpiresAt(state) > at) return
  record.commit({
    state: { ...state, status: 'expired', endedAt: at },
    events: state.lines.length > 0 ? [cartExpiredEvent(state, at)] : [],
  })
}
