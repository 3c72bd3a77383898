import { type Change, UNREMARKED } from './state.ts'

/** Goods that a policy sets free cover what was promised beyond hand: nothing moves but the promises themselves. */
export function decideCover(): Change {
  return {
    movement: { ...UNREMARKED, type: 'adjust', quantity: 0, reason: 'correction', actor: 'policy' },
    deltas: [],
    reservation: null,
    place: null,
  }
}
