import { webhookEndpointOf } from '../../durable-objects/webhook-endpoint/client.ts'
import type { Scope } from '../../schema/event-types.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Endpoint, WebhookEndpointRpc } from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { type DirectoryEntry, enterEndpoint, findEndpoint, removeEndpoint } from './endpoint-store.ts'

/** An endpoint of this store, or null: asking the object of an unknown id would create one. */
export async function openEndpoint(
  env: Env,
  store: StoreRef,
  id: string,
): Promise<{ entry: DirectoryEntry; object: WebhookEndpointRpc } | null> {
  const entry = await findEndpoint(env, store.slug, id)
  return entry && { entry, object: webhookEndpointOf(env, store, id) }
}

/** Asks an endpoint of this store; another store's is absent. */
export async function askEndpoint<T extends object>(
  env: Env,
  store: StoreRef,
  id: string,
  ask: (object: WebhookEndpointRpc) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const endpoint = await openEndpoint(env, store, id)
  return endpoint ? ask(endpoint.object) : refuse('webhook_endpoint_not_found')
}

/**
 * Changes the object, then the directory's copy. Asking twice is safe; between the two a wake-up may be missed, which
 * cron makes good.
 */
export async function changeEndpoint(
  env: Env,
  store: StoreRef,
  id: string,
  change: (object: WebhookEndpointRpc) => Promise<Outcome<{ endpoint: Endpoint }>>,
  scopes?: Scope[],
): Promise<Outcome<{ endpoint: Endpoint }>> {
  const found = await openEndpoint(env, store, id)
  if (!found) return refuse('webhook_endpoint_not_found')
  const outcome = await change(found.object)
  if (!outcome.ok) return outcome
  const { types, status, createdAt } = outcome.endpoint
  await enterEndpoint(env, { store, id, types, scopes: scopes ?? found.entry.scopes, status }, createdAt)
  return outcome
}

/** Object first: what is no longer listed must no longer be sent. Absent is fine: `DELETE` is safe to repeat. */
export async function deleteEndpoint(env: Env, store: StoreRef, id: string): Promise<void> {
  const endpoint = await openEndpoint(env, store, id)
  if (!endpoint) return
  await endpoint.object.remove()
  await removeEndpoint(env, store.slug, id)
}
