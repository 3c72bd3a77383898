import { jsonLists } from '../../runtime/json-lists.ts'
import type {
  AvailabilityDocument,
  AvailabilityToRecord,
  Band,
  LocationFigures,
} from '../../schema/rpc/source.ts'

/** One row of the consolidated list. */
export interface StockItem extends Omit<AvailabilityDocument, 'byLocation'> {
  item: string
  /** What the location has that the list was narrowed to; null figures are not known yet. */
  atLocation?: { location: string } & { [K in Exclude<keyof LocationFigures, 'location'>]: number | null }
}

/**
 * The relay, first: the item has left a location. Before the item's row is replaced, since that row is the index of
 * where the item was; served by the primary keys. Only for a newer document, as below.
 */
const DELETE_GONE_LOCATIONS = `
  delete from stock_item_locations where (store, location, item) in (
    select known.store, place.value, known.item
    from json_each(?1) as document
    join stock_items as known on known.store = document.value ->> 'store' and known.item = document.value ->> 'item'
      and known.version < document.value ->> 'version'
    join json_each(known.locations) as place
    where place.value not in (select told.value ->> 'location' from json_each(document.value, '$.byLocation') as told))`

/**
 * The relay, second: the record of many items in one statement; the key serves the conflict. The guard on `version`
 * makes late and repeated messages harmless. JSON text because a statement takes 100 parameters at most.
 */
const UPSERT_AVAILABILITY = `
  insert into stock_items (store, item, version, band, available_on, on_hand, reserved, allocated, safety_stock,
                           available, backorder_limit, incoming, locations)
  select value ->> 'store', value ->> 'item', value ->> 'version', value ->> 'band', value ->> 'availableOn',
         value ->> 'onHand', value ->> 'reserved', value ->> 'allocated', value ->> 'safetyStock',
         value ->> 'available', value ->> 'backorderLimit', value ->> 'incoming', value -> 'locations'
  from json_each(?1)
  where true
  on conflict (store, item) do update set
    version = excluded.version, band = excluded.band, available_on = excluded.available_on,
    on_hand = excluded.on_hand, reserved = excluded.reserved, allocated = excluded.allocated,
    safety_stock = excluded.safety_stock, available = excluded.available,
    backorder_limit = excluded.backorder_limit, incoming = excluded.incoming, locations = excluded.locations
  where excluded.version > stock_items.version`

/**
 * The relay, third: what each location has, of the version that is recorded now. A row that says the same already is not
 * written: most movements change one location. Served by the primary keys.
 */
const UPSERT_LOCATIONS = `
  insert into stock_item_locations (store, location, item, band, on_hand, reserved, allocated)
  select known.store, place.value ->> 'location', known.item, known.band,
         place.value ->> 'onHand', place.value ->> 'reserved', place.value ->> 'allocated'
  from json_each(?1) as document
  join stock_items as known on known.store = document.value ->> 'store' and known.item = document.value ->> 'item'
    and known.version = document.value ->> 'version'
  join json_each(document.value, '$.byLocation') as place
  where true
  on conflict (store, location, item) do update set
    band = excluded.band, on_hand = excluded.on_hand, reserved = excluded.reserved, allocated = excluded.allocated
  where (excluded.band, excluded.on_hand, excluded.reserved, excluded.allocated)
    is not (stock_item_locations.band, stock_item_locations.on_hand, stock_item_locations.reserved,
            stock_item_locations.allocated)`

/** The bands of one catalogue page; each item is one look-up by the primary key. */
const BANDS_OF_ITEMS = `
  select item, band, available_on from stock_items
  where store = ?1 and item in (select value from json_each(?2))`

/** The consolidated list in item order: a range of the primary key. */
const LIST_ITEMS = `select * from stock_items where store = ?1 and item > ?2 order by item limit ?3`

/** The list of one status: the index is named, for SQLite without statistics takes the primary key and walks the store. */
const LIST_ITEMS_OF_BAND = `
  select * from stock_items indexed by stock_items_by_band
  where store = ?1 and item > ?2 and band = ?4 order by item limit ?3`

/** The page of a location, then the items by their key: `cross join` keeps that order. */
const JOIN_ITEMS = `cross join stock_items as i on i.store = place.store and i.item = place.item`
const COLUMNS_AT = `i.*, place.location as place_location, place.on_hand as place_on_hand,
    place.reserved as place_reserved, place.allocated as place_allocated`

/** The list of one location: a range of the primary key of its rows. */
const LIST_ITEMS_AT = `
  select ${COLUMNS_AT} from stock_item_locations as place ${JOIN_ITEMS}
  where place.store = ?1 and place.location = ?4 and place.item > ?2 order by place.item limit ?3`

/** The list of one location and status: a range of stock_item_locations_by_band. */
const LIST_ITEMS_AT_OF_BAND = `
  select ${COLUMNS_AT} from stock_item_locations as place indexed by stock_item_locations_by_band ${JOIN_ITEMS}
  where place.store = ?1 and place.location = ?4 and place.band = ?5 and place.item > ?2
  order by place.item limit ?3`

interface StockItemRow {
  item: string
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
  place_location?: string
  place_on_hand?: number | null
  place_reserved?: number | null
  place_allocated?: number | null
}

/** Upserts the documents, each only over an older version. Called by the relay before it appends the events. */
export async function recordAvailability(
  env: Env,
  documents: readonly AvailabilityToRecord[],
): Promise<void> {
  const statements = [DELETE_GONE_LOCATIONS, UPSERT_AVAILABILITY, UPSERT_LOCATIONS].map((sql) =>
    env.CATALOGUE.prepare(sql),
  )
  for (const rows of jsonLists(documents.map(rowOf))) {
    await env.CATALOGUE.batch(statements.map((statement) => statement.bind(rows)))
  }
}

/** An object that still runs the version before knows neither arrivals nor figures by location. */
function rowOf({ store, document: { item, version, document } }: AvailabilityToRecord): string {
  const {
    incoming = 0,
    locations,
    byLocation = locations.map((location) => ({ location })),
  } = document as Partial<AvailabilityDocument> & Pick<AvailabilityDocument, 'locations'>
  return JSON.stringify({ store, item, version, ...document, incoming, byLocation })
}

/** Bands for catalogue pages. An item without a row never had stock and is absent from the map. */
export async function bandsOf(
  env: Env,
  slug: string,
  items: readonly string[],
): Promise<Map<string, { band: Band; availableOn: string | null }>> {
  if (items.length === 0) return new Map()
  const { results } = await env.CATALOGUE.prepare(BANDS_OF_ITEMS)
    .bind(slug, JSON.stringify([...new Set(items)]))
    .all<Pick<StockItemRow, 'item' | 'band' | 'available_on'>>()
  return new Map(results.map((row) => [row.item, { band: row.band, availableOn: row.available_on }]))
}

/** One page of the consolidated list, in item order, `after` exclusive ('' starts). Reads what it shows, whatever the filters. */
export async function listStockItems(
  env: Env,
  slug: string,
  {
    after,
    limit,
    location,
    band,
  }: { after: string; limit: number; location: string | null; band: Band | null },
): Promise<StockItem[]> {
  const filters = [location, band].filter((filter) => filter !== null)
  const { results } = await env.CATALOGUE.prepare(listOf(location, band))
    .bind(slug, after, limit, ...filters)
    .all<StockItemRow>()
  return results.map(itemOfRow)
}

function listOf(location: string | null, band: Band | null): string {
  if (location === null) return band === null ? LIST_ITEMS : LIST_ITEMS_OF_BAND
  return band === null ? LIST_ITEMS_AT : LIST_ITEMS_AT_OF_BAND
}

function itemOfRow(row: StockItemRow): StockItem {
  return {
    item: row.item,
    band: row.band,
    availableOn: row.available_on,
    onHand: row.on_hand,
    reserved: row.reserved,
    allocated: row.allocated,
    safetyStock: row.safety_stock,
    available: row.available,
    backorderLimit: row.backorder_limit,
    incoming: row.incoming,
    locations: JSON.parse(row.locations) as string[],
    ...(row.place_location !== undefined && {
      atLocation: {
        location: row.place_location,
        onHand: row.place_on_hand ?? null,
        reserved: row.place_reserved ?? null,
        allocated: row.place_allocated ?? null,
      },
    }),
  }
}
