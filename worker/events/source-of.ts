import { purchaseOf } from '../../durable-objects/purchase/client.ts'
import { stockOf } from '../../durable-objects/stock/client.ts'
import { webhookEndpointOf } from '../../durable-objects/webhook-endpoint/client.ts'
import type { EventSource, SourceRef } from '../../schema/rpc/source.ts'
import { catalogueSource } from './outbox-store.ts'

/** Whom a nudge is about. */
export function sourceOf(env: Env, ref: SourceRef): EventSource {
  switch (ref.kind) {
    case 'stock':
      return stockOf(env, ref.store, ref.key)
    case 'purchase':
      return purchaseOf(env, ref.store, ref.key)
    case 'webhook-endpoint':
      return webhookEndpointOf(env, ref.store, ref.key)
    case 'catalogue':
      return catalogueSource(env, ref.store.slug)
  }
}
