import type { Scope } from '../../schema/event-types.ts'
import type { EndpointStatus } from '../../schema/rpc/webhook-endpoint.ts'
import type { StoreRef } from '../../schema/store-ref.ts'

/** An entry of the directory: enough to reach the endpoint's object and to know which events concern it. */
export interface DirectoryEntry {
  store: StoreRef
  id: string
  types: string[]
  scopes: Scope[]
  status: EndpointStatus
}

/** Which endpoint this is (every route with an id). Served by the key. */
const SELECT_ONE = `select store_ref, id, types, scopes, status from webhook_endpoints where store = ?1 and id = ?2`

/** A page of a store's endpoints (list), ids sort by creation. Served by the key. */
const SELECT_PAGE = `select store_ref, id, types, scopes, status from webhook_endpoints
  where store = ?1 and id > ?2 order by id limit ?3`

/** Endpoints of the stores whose log has grown (relay). Served by the key. */
const SELECT_OF_STORES = `select store_ref, id, types, scopes, status from webhook_endpoints
  where store in (select value from json_each(?1)) and status = 'enabled'`

/** All endpoints, page by page (cron). Served by the key. */
const SELECT_ALL_PAGE = `select store_ref, id, types, scopes, status from webhook_endpoints
  where (store, id) > (?1, ?2) order by store, id limit ?3`

/** How many a store has, to hold the limit (create). Served by the key. */
const COUNT_OF_STORE = `select count(*) as count from webhook_endpoints where store = ?1`

/** Enters an endpoint, or refreshes its copy after a change. Served by the key. */
const UPSERT = `insert into webhook_endpoints (store, id, store_ref, types, scopes, status, created_at)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
  on conflict (store, id) do update set types = ?4, scopes = ?5, status = ?6`

/** The copy of a status, when an endpoint was disabled by itself (relay), paused or resumed. Served by the key. */
const UPDATE_STATUS = `update webhook_endpoints set status = ?3 where store = ?1 and id = ?2`

/** Takes an endpoint out. Served by the key. */
const DELETE_ONE = `delete from webhook_endpoints where store = ?1 and id = ?2`

interface Row {
  store_ref: string
  id: string
  types: string
  scopes: string
  status: EndpointStatus
}

export async function findEndpoint(env: Env, slug: string, id: string): Promise<DirectoryEntry | null> {
  const row = await env.CATALOGUE.prepare(SELECT_ONE).bind(slug, id).first<Row>()
  return row && toEntry(row)
}

export async function endpointPage(
  env: Env,
  slug: string,
  afterId: string,
  limit: number,
): Promise<DirectoryEntry[]> {
  const { results } = await env.CATALOGUE.prepare(SELECT_PAGE).bind(slug, afterId, limit).all<Row>()
  return results.map(toEntry)
}

export async function enabledEndpointsOf(env: Env, slugs: readonly string[]): Promise<DirectoryEntry[]> {
  const { results } = await env.CATALOGUE.prepare(SELECT_OF_STORES).bind(JSON.stringify(slugs)).all<Row>()
  return results.map(toEntry)
}

/** Every endpoint of the deployment, in key order, after the given one. */
export async function allEndpointsPage(
  env: Env,
  after: { slug: string; id: string },
  limit: number,
): Promise<DirectoryEntry[]> {
  const { results } = await env.CATALOGUE.prepare(SELECT_ALL_PAGE)
    .bind(after.slug, after.id, limit)
    .all<Row>()
  return results.map(toEntry)
}

export async function countEndpoints(env: Env, slug: string): Promise<number> {
  return (await env.CATALOGUE.prepare(COUNT_OF_STORE).bind(slug).first<number>('count')) ?? 0
}

export async function enterEndpoint(env: Env, entry: DirectoryEntry, createdAt: number): Promise<void> {
  await env.CATALOGUE.prepare(UPSERT)
    .bind(
      entry.store.slug,
      entry.id,
      JSON.stringify(entry.store),
      JSON.stringify(entry.types),
      JSON.stringify(entry.scopes),
      entry.status,
      createdAt,
    )
    .run()
}

export async function setEndpointStatus(
  env: Env,
  slug: string,
  id: string,
  status: EndpointStatus,
): Promise<void> {
  await env.CATALOGUE.prepare(UPDATE_STATUS).bind(slug, id, status).run()
}

export async function removeEndpoint(env: Env, slug: string, id: string): Promise<void> {
  await env.CATALOGUE.prepare(DELETE_ONE).bind(slug, id).run()
}

function toEntry(row: Row): DirectoryEntry {
  return {
    store: JSON.parse(row.store_ref),
    id: row.id,
    types: JSON.parse(row.types),
    scopes: JSON.parse(row.scopes),
    status: row.status,
  }
}
