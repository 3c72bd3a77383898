import { type Refusal, refuse } from '../../schema/outcome.ts'

/** Why a code cannot be used at all, whatever is on the cart. */
export type DiscountRefusal =
  | 'used_up'
  | 'used_by_customer'
  | 'not_started'
  | 'ended'
  | 'withdrawn'
  | 'not_combinable'

const DETAILS: Record<DiscountRefusal, string> = {
  used_up: 'All uses of the code are taken or held by other carts.',
  used_by_customer: 'The customer has used the code as often as one customer may.',
  not_started: 'The code may not be used yet.',
  ended: 'The code may not be used any more.',
  withdrawn: 'There is no such code any more.',
  not_combinable: 'The code and one that is on the cart cannot be used together.',
}

export function refuseDiscount(discount: string, reason: DiscountRefusal, facts: object = {}): Refusal {
  return refuse('discount_unavailable', DETAILS[reason], { discount, reason, ...facts })
}
