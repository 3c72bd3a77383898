import { type EpochMs, now, toIso } from '../../runtime/clock.ts'
import type { Scope } from '../../schema/event-types.ts'
import type {
  CreateEndpointCommand,
  DisabledReason,
  EndpointStatus,
} from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** The endpoint as its object keeps it. */
export interface EndpointState {
  id: string
  store: StoreRef
  url: string
  types: string[]
  scopes: Scope[]
  description: string
  status: EndpointStatus
  disabledReason: DisabledReason | null
  createdAt: EpochMs
  deletedAt: EpochMs | null
  cursor: number
  failingSince: EpochMs | null
  confirmed: number
}

/** An endpoint at its creation. */
export function bornState(command: CreateEndpointCommand): EndpointState {
  const { id, store, url, types, scopes, description, from } = command
  return {
    id,
    store,
    url,
    types,
    scopes,
    description,
    status: 'enabled',
    disabledReason: null,
    createdAt: now(),
    deletedAt: null,
    cursor: from,
    failingSince: null,
    confirmed: 0,
  }
}

/** The subject of the endpoint's own events. */
export function subjectOf({ id }: EndpointState): string {
  return `webhook_endpoint:${id}`
}

/** Shaped as every delivery is; outside the log, so without sequence and position. */
export function testBody(state: EndpointState, id: string): string {
  return JSON.stringify({
    type: 'webhook_endpoint.test',
    timestamp: toIso(now()),
    data: { endpoint: state.id },
    id,
    store: state.store.slug,
    subject: subjectOf(state),
    sequence: 0,
    position: 0,
  })
}
