import { hmacSha256 } from '../../runtime/digest.ts'
import { encodeToken } from '../../runtime/random.ts'
import type { CustomerKey } from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** Whom a cart is for, as far as it says. Somebody who is signed in is who they are, whatever email they write. */
export interface CustomerClaim {
  customerId: string | null
  email: string | null | undefined
}

/**
 * The key of a customer in quotas: the same for the same customer in all carts of a store, of no use in another store, and
 * no way back to the email without the deployment's secret. Null: nobody is named.
 */
export async function customerKeyOf(
  env: Env,
  store: StoreRef,
  { customerId, email }: CustomerClaim,
): Promise<CustomerKey | null> {
  const who = customerId !== null ? `id/${customerId}` : email ? `email/${oneMailbox(email)}` : null
  if (who === null) return null
  return encodeToken(await hmacSha256(env.ADMIN_KEY, `quota-customer/${store.slug}/${who}`))
}

/**
 * Case and blanks apart, an email is taken as it is written. Dots and `+tags` are not folded: what they mean is each
 * provider's own affair, and two people who were taken for one could not buy.
 */
export function oneMailbox(email: string): string {
  return email.trim().normalize('NFC').toLowerCase()
}
