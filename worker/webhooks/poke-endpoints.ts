import { webhookEndpointOf } from '../../durable-objects/webhook-endpoint/client.ts'
import { errorText, log } from '../../runtime/log.ts'
import { type EventType, matchesFilter, visibleTypes } from '../../schema/event-types.ts'
import {
  allEndpointsPage,
  type DirectoryEntry,
  enabledEndpointsOf,
  findEndpoint,
  setEndpointStatus,
} from './endpoint-store.ts'

/** What was appended to the log, as far as waking readers goes. */
export interface Appended {
  store: string
  type: EventType
  subject: string
}

/** 50 objects are woken side by side; more would only queue up for the 6 connections an invocation has. */
const PAGE_SIZE = 50
/** 10,000 endpoints a minute: far above any deployment; the rest of the directory has its turn in the next run. */
const PAGES_MAX = 200

/** Wakes the endpoints that the appended events concern. Failing costs time only: cron wakes everyone. */
export async function pokeMatching(env: Env, appended: readonly Appended[]): Promise<void> {
  try {
    await noteDisabled(env, appended)
    const typesOf = new Map<string, Set<EventType>>()
    for (const { store, type } of appended) typesOf.set(store, (typesOf.get(store) ?? new Set()).add(type))
    const entries = await enabledEndpointsOf(env, [...typesOf.keys()])
    await poke(
      env,
      entries.filter((entry) => concerns(entry, typesOf.get(entry.store.slug)!)),
    )
  } catch (error) {
    log('warn', 'endpoints were not woken; cron wakes them', { error: errorText(error) })
  }
}

/** Wakes every endpoint, for whom a wake-up was lost (cron). */
export async function pokeAll(env: Env): Promise<void> {
  let after = { slug: '', id: '' }
  for (let page = 0; page < PAGES_MAX; page++) {
    const entries = await allEndpointsPage(env, after, PAGE_SIZE)
    await poke(env, entries)
    const last = entries.at(-1)
    if (!last || entries.length < PAGE_SIZE) return
    after = { slug: last.store.slug, id: last.id }
  }
}

/** True when an endpoint asked for one of the types and its key may read it. */
export function concerns(
  entry: Pick<DirectoryEntry, 'types' | 'scopes'>,
  types: Iterable<EventType>,
): boolean {
  const visible = new Set(visibleTypes(entry.scopes))
  return [...types].some(
    (type) => visible.has(type) && entry.types.some((filter) => matchesFilter(filter, type)),
  )
}

async function poke(env: Env, entries: readonly DirectoryEntry[]): Promise<void> {
  const results = await Promise.allSettled(
    entries.map(({ store, id }) => webhookEndpointOf(env, store, id).poke()),
  )
  const failed = results.filter((result) => result.status === 'rejected').length
  if (failed > 0) log('warn', 'endpoints were not woken; cron wakes them', { failed })
}

/**
 * Keeps the directory's copy of the status: a disabled endpoint need not be woken. The event may come late or again, when
 * somebody has resumed the endpoint already, so its present status is asked for.
 */
async function noteDisabled(env: Env, appended: readonly Appended[]): Promise<void> {
  for (const { store, type, subject } of appended) {
    if (type !== 'webhook_endpoint.disabled') continue
    const entry = await findEndpoint(env, store, subject.slice(subject.indexOf(':') + 1))
    const present = entry && (await webhookEndpointOf(env, entry.store, entry.id).describe())
    if (present?.ok) await setEndpointStatus(env, store, entry!.id, present.endpoint.status)
  }
}
