import { webhookEndpointOf } from '../../durable-objects/webhook-endpoint/client.ts'
import { now } from '../../runtime/clock.ts'
import { hmacSha256 } from '../../runtime/digest.ts'
import { encodeToken } from '../../runtime/random.ts'
import type { Scope } from '../../schema/event-types.ts'
import { ID_PREFIXES, newId } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { IdempotencyStamp } from '../../schema/rpc/idempotency.ts'
import type { Endpoint } from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'
import { headOfLog } from '../events/log-store.ts'
import { countEndpoints, enterEndpoint, findEndpoint } from './endpoint-store.ts'

/** 50 endpoints a store: each append wakes those it concerns, so their number is the price of every event. */
export const ENDPOINTS_MAX = 50

export interface CreateEndpoint {
  store: StoreRef
  url: string
  types: string[]
  description: string
  scopes: Scope[]
  /** Undefined: the head of the log. */
  from: number | undefined
  stamp: IdempotencyStamp | null
}

/**
 * Makes the endpoint's object, then enters it in the directory; asked again with the same key it finishes what was begun. In
 * this order, because an entry without an object would be an endpoint that exists and does nothing.
 */
export async function createEndpoint(
  env: Env,
  { from, stamp, ...wanted }: CreateEndpoint,
): Promise<Outcome<{ endpoint: Endpoint; secret: string; isReplay: boolean }>> {
  const id = stamp ? await idOfStamp(env, stamp) : newId('endpoint', now())
  const isEntered = stamp !== null && (await findEndpoint(env, wanted.store.slug, id)) !== null
  if (!isEntered && (await countEndpoints(env, wanted.store.slug)) >= ENDPOINTS_MAX)
    return refuse('endpoint_limit_reached', `A store may have ${ENDPOINTS_MAX}.`, { limit: ENDPOINTS_MAX })
  const object = webhookEndpointOf(env, wanted.store, id)
  const outcome = await object.create({
    ...wanted,
    id,
    from: from ?? (await headOfLog(env)),
    idempotency: stamp,
  })
  if (!outcome.ok || isEntered) return outcome
  // A replay may come after the endpoint was deleted: then there is nothing to enter.
  if (outcome.isReplay && !(await object.describe()).ok) return outcome
  const { types, status, createdAt } = outcome.endpoint
  await enterEndpoint(env, { store: wanted.store, id, types, scopes: wanted.scopes, status }, createdAt)
  return outcome
}

/** The same `Idempotency-Key` reaches the same object, which knows what it answered first. */
async function idOfStamp(env: Env, stamp: IdempotencyStamp): Promise<string> {
  const digest = await hmacSha256(env.ADMIN_KEY, `webhook-endpoint/${stamp.key}`)
  return `${ID_PREFIXES.endpoint}_${encodeToken(digest).slice(0, 26)}`
}
