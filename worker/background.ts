import { WorkerEntrypoint } from 'cloudflare:workers'
import type { BackgroundRpc } from '../schema/rpc/purchase.ts'
import type { StoreRef } from '../schema/store-ref.ts'
import { advanceCheckout } from './checkout/advance-checkout.ts'
import { runEffects } from './orders/run-effects.ts'

/** Work that objects hand back to the worker, from their alarms. Neither throws: the alarm asks again while there is work. */
export class Background extends WorkerEntrypoint<Env> implements BackgroundRpc {
  async advanceCheckout(store: StoreRef, purchaseId: string): Promise<void> {
    await advanceCheckout(this.env, store, purchaseId)
  }

  async runEffects(store: StoreRef, purchaseId: string): Promise<void> {
    await runEffects(this.env, store, purchaseId)
  }
}
