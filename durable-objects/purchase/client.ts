import type { PurchaseRpc } from '../../schema/rpc/purchase.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { objectStub } from '../object-stub.ts'

/** The Purchase object, created near the shopper who makes the cart (no region hint). */
export function purchaseOf(env: Env, store: StoreRef, purchaseId: string): PurchaseRpc {
  return objectStub(env.PURCHASE, store, purchaseId, true) as unknown as PurchaseRpc
}
