import type { Cart } from '../../schema/http/cart.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { codedDiscountOf, type Store } from '../stores/store.ts'
import { askCart } from './purchase-call.ts'

/** Puts a code on the cart; again, it is the one that the store has now. */
export async function applyDiscount(
  env: Env,
  store: Store,
  cartId: string,
  code: string,
): Promise<Outcome<{ cart: Cart }>> {
  const discount = codedDiscountOf(store, code)
  if (!discount) {
    // Only who has a cart hears whether there is a code.
    const cart = await askCart(env, store, cartId, (purchase, { secret }) => purchase.cart({ secret }))
    return cart.ok ? refuse('discount_not_found') : cart
  }
  return askCart(env, store, cartId, (purchase, access) => purchase.applyDiscount({ ...access, discount }))
}

/** Takes a code off the cart and gives back the use that it held; one that is absent is off already. */
export function removeDiscount(
  env: Env,
  store: Store,
  cartId: string,
  code: string,
): Promise<Outcome<{ cart: Cart }>> {
  return askCart(env, store, cartId, (purchase, access) => purchase.removeDiscount({ ...access, code }))
}
