import type { StockRpc } from '../../schema/rpc/stock.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { objectStub } from '../object-stub.ts'

/** The Stock object of one item of one store. */
export function stockOf(env: Env, store: StoreRef, item: string): StockRpc {
  return objectStub(env.STOCK, store, item) as unknown as StockRpc
}
