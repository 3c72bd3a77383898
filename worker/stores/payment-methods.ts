/** A way to pay that the store offers, with the key a storefront may know. */
export interface PaymentMethod {
  provider: string
  publicKey?: string
}

/** The test provider exists in local servers and where `PAYMENTS=test` says so, nowhere else. */
export function paymentMethods(env: Env): PaymentMethod[] {
  return HOLDFAST_LOCAL || env.PAYMENTS === 'test' ? [{ provider: 'test' }] : []
}
