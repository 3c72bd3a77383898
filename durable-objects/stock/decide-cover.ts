import type { Change } from './state.ts'

/** Goods that a policy sets free cover what was promised beyond hand: nothing moves but the promises themselves. */
export function decideCover(): Change {
  return {
    movement: {
      type: 'adjust',
      quantity: 0,
      reason: 'correction',
      reference: null,
      note: null,
      actor: 'policy',
      orderId: null,
      purchaseId: null,
      disposition: null,
      expiresAt: null,
    },
    deltas: [],
    reservation: null,
    place: null,
  }
}
