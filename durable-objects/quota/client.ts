import type { StockRpc } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { objectStub } from '../object-stub.ts'

/** What a purchase asks of a quota: what it asks of a stock item. */
export type QuotaRpc = Pick<StockRpc, 'reserve' | 'release' | 'allocate' | 'deallocate' | 'look'>

/** The Quota object of one limit of one store, e.g. `customer/{who}/{sku}`. */
export function quotaOf(env: Env, store: StoreRef, name: string): QuotaRpc {
  return objectStub(env.QUOTA, store, name) as unknown as QuotaRpc
}
