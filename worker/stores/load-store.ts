import { type EpochMs, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import { Problem } from '../http/problem.ts'
import { selectSlugOfHostname, selectStore } from './settings-store.ts'
import type { Store } from './store.ts'

/** Settings change by the day and are read by every request: 5 s old is fresh enough, and says what another isolate's write costs. */
const FRESH_FOR_MS = 5_000
/** An isolate has 128 MB; a store with all its settings is a few KB. */
const REMEMBERED_MAX = 1_000
/** What a slug can be; anything else is not worth a read. */
const SLUG = /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/
const SLUG_LENGTH_MAX = 100

interface Remembered<T> {
  value: T
  readAt: EpochMs
}

const stores = new Map<string, Remembered<Store>>()
const hostnames = new Map<string, Remembered<string | null>>()

/**
 * The store with its settings, or null. Kept in this isolate's memory for some seconds; when the database
 * fails, the last known state serves on (browsing and selling go on without it). `unavailable` when there is none.
 */
export async function loadStore(env: Env, slug: string): Promise<Store | null> {
  if (!isSlug(slug)) return null
  return remembered(
    stores,
    slug,
    () => selectStore(env.CATALOGUE, slug),
    (store) => store !== null,
  )
}

/** The store whose hostname it is, or null. */
export async function slugOfHostname(env: Env, hostname: string): Promise<string | null> {
  return remembered(
    hostnames,
    hostname,
    () => selectSlugOfHostname(env.CATALOGUE, hostname),
    () => true,
  )
}

/**
 * The store as the database has it now: for staff who read what they have just written, perhaps through another
 * isolate. Throws when the database fails; what is remembered stays for everybody else.
 */
export async function reloadStore(env: Env, slug: string): Promise<Store | null> {
  if (!isSlug(slug)) return null
  const store = await selectStore(env.CATALOGUE, slug)
  stores.delete(slug)
  if (store) keep(stores, slug, { value: store, readAt: now() })
  return store
}

/** After a write to its settings, so that this isolate reads its own writes. */
export function forgetStore(slug: string): void {
  stores.delete(slug)
}

export function forgetHostnames(): void {
  hostnames.clear()
}

function isSlug(text: string): boolean {
  return text.length <= SLUG_LENGTH_MAX && SLUG.test(text)
}

async function remembered<T>(
  memory: Map<string, Remembered<T & {}>> | Map<string, Remembered<T>>,
  key: string,
  read: () => Promise<T>,
  isWorthKeeping: (value: T) => boolean,
): Promise<T> {
  const entries = memory as Map<string, Remembered<T>>
  const known = entries.get(key)
  if (known && Math.abs(now() - known.readAt) < FRESH_FOR_MS) return known.value
  try {
    const value = await read()
    entries.delete(key)
    if (isWorthKeeping(value)) keep(entries, key, { value, readAt: now() })
    return value
  } catch (error) {
    log('warn', 'settings are not readable', {
      key,
      isStaleServed: known !== undefined,
      error: errorText(error),
    })
    if (known) return known.value
    throw new Problem('unavailable', 'The settings of the store are not readable at the moment.')
  }
}

/** A Map keeps the order of insertion, so its first key is the one read longest ago. */
function keep<T>(entries: Map<string, Remembered<T>>, key: string, entry: Remembered<T>): void {
  if (entries.size >= REMEMBERED_MAX) {
    const oldest = entries.keys().next()
    if (!oldest.done) entries.delete(oldest.value)
  }
  entries.set(key, entry)
}
