import type { WebhookEndpointRpc } from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { objectStub } from '../object-stub.ts'

/** The object of one endpoint. Look the id up in the directory first: asking for an unknown one creates an object. */
export function webhookEndpointOf(env: Env, store: StoreRef, endpointId: string): WebhookEndpointRpc {
  return objectStub(env.WEBHOOK_ENDPOINT, store, endpointId) as unknown as WebhookEndpointRpc
}
