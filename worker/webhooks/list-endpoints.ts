import { webhookEndpointOf } from '../../durable-objects/webhook-endpoint/client.ts'
import type { Endpoint } from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { endpointPage } from './endpoint-store.ts'

/** A page of the directory, each endpoint as its object knows it now. `nextId` null at the end. */
export async function listEndpoints(
  env: Env,
  store: StoreRef,
  afterId: string,
  limit: number,
): Promise<{ endpoints: Endpoint[]; nextId: string | null }> {
  const entries = await endpointPage(env, store.slug, afterId, limit + 1)
  const page = entries.slice(0, limit)
  const outcomes = await Promise.all(page.map(({ id }) => webhookEndpointOf(env, store, id).describe()))
  return {
    endpoints: outcomes.flatMap((outcome) => (outcome.ok ? [outcome.endpoint] : [])),
    nextId: entries.length > limit ? page.at(-1)!.id : null,
  }
}
