import type { AvailabilityDocument, Band, LocationFigures } from '../../schema/rpc/source.ts'

// The record of one item, for comparing it with the item itself.

/** An audit: the item's row. Served by the primary key. */
const RECORD = 'select * from stock_items where store = ? and item = ?'

/** An audit: what is recorded of the item's locations. One look-up by the primary key each. */
const LOCATIONS = `
  select location, on_hand, reserved, allocated from stock_item_locations
  where store = ?1 and item = ?2 and location in (
    select value from json_each((
      select iif(json_valid(locations), locations, '[]') from stock_items where store = ?1 and item = ?2)))
  order by location`

/** A repair: the version that was found wrong gives way to any, and its locations can be read. Served by the primary key. */
const REOPEN = `
  update stock_items set version = -1, locations = iif(json_valid(locations), locations, '[]')
  where store = ? and item = ? and version = ?`

/** The sweep: the next items of all stores, in key order. Served by the primary key. */
const ITEMS_FROM = `
  select store, item from stock_items where (store, item) > (?, ?) order by store, item limit ?`

/** What is recorded, as the document that it was written from; figures of a location are null until they were told. */
export interface Recorded {
  version: number
  document: Omit<AvailabilityDocument, 'byLocation'> & { byLocation: RecordedLocation[] }
}

type RecordedLocation = { location: string } & {
  [K in Exclude<keyof LocationFigures, 'location'>]: number | null
}

interface RecordRow {
  version: number
  band: Band
  available_on: string | null
  on_hand: number
  reserved: number
  allocated: number
  safety_stock: number
  available: number
  backorder_limit: number
  incoming: number
  locations: string
}

interface LocationRow {
  location: string
  on_hand: number | null
  reserved: number | null
  allocated: number | null
}

/** Null when the item has no record. */
export async function readRecord(env: Env, slug: string, item: string): Promise<Recorded | null> {
  // One transaction: a newer document between the two would look like a wrong one.
  const [items, places] = await env.CATALOGUE.batch([
    env.CATALOGUE.prepare(RECORD).bind(slug, item),
    env.CATALOGUE.prepare(LOCATIONS).bind(slug, item),
  ])
  const row = items!.results[0] as RecordRow | undefined
  if (!row) return null
  return {
    version: row.version,
    document: {
      band: row.band,
      availableOn: row.available_on,
      onHand: row.on_hand,
      reserved: row.reserved,
      allocated: row.allocated,
      safetyStock: row.safety_stock,
      available: row.available,
      backorderLimit: row.backorder_limit,
      incoming: row.incoming,
      locations: locationsOf(row),
      byLocation: (places!.results as unknown as LocationRow[]).map(
        ({ location, on_hand: onHand, reserved, allocated }) => ({
          location,
          onHand,
          reserved,
          allocated,
        }),
      ),
    },
  }
}

/** A text that is no list counts as none: the audit is to find that, not to fail of it. */
function locationsOf({ locations }: RecordRow): string[] {
  try {
    return JSON.parse(locations) as string[]
  } catch {
    return []
  }
}

/**
 * Lets the recorded version be written again, also where it claims to be newer than its item. A version that came
 * meanwhile stays. The row keeps its content until then, so a crash after this loses nothing.
 */
export async function reopenRecord(env: Env, slug: string, item: string, version: number): Promise<void> {
  await env.CATALOGUE.prepare(REOPEN).bind(slug, item, version).run()
}

/** Items of all stores that have a record, `after` exclusive. */
export async function recordedItems(
  env: Env,
  after: { store: string; item: string },
  limit: number,
): Promise<{ store: string; item: string }[]> {
  const { results } = await env.CATALOGUE.prepare(ITEMS_FROM)
    .bind(after.store, after.item, limit)
    .all<{ store: string; item: string }>()
  return results
}
