import type { AvailabilityDocument, Band, SourceDocument } from '../../schema/rpc/source.ts'

/** What the relay hands over: the availability document that a Stock object gave with its events. */
export interface RecordedAvailability {
  /** The store's slug. */
  store: string
  document: Extract<SourceDocument, { kind: 'availability' }>
}

/** One row of the consolidated list. */
export interface StockItem extends AvailabilityDocument {
  item: string
}

/**
 * The relay's record of many items in one statement; the key serves the conflict. The guard on `version` makes
 * late and repeated messages harmless. JSON text because a statement takes 100 parameters at most.
 */
const UPSERT_AVAILABILITY = `
  insert into stock_items (store, item, version, band, available_on, on_hand, reserved, allocated, safety_stock,
                           available, backorder_limit, locations)
  select value ->> 'store', value ->> 'item', value ->> 'version', value ->> 'band', value ->> 'availableOn',
         value ->> 'onHand', value ->> 'reserved', value ->> 'allocated', value ->> 'safetyStock',
         value ->> 'available', value ->> 'backorderLimit', value -> 'locations'
  from json_each(?1)
  where true
  on conflict (store, item) do update set
    version = excluded.version, band = excluded.band, available_on = excluded.available_on,
    on_hand = excluded.on_hand, reserved = excluded.reserved, allocated = excluded.allocated,
    safety_stock = excluded.safety_stock, available = excluded.available,
    backorder_limit = excluded.backorder_limit, locations = excluded.locations
  where excluded.version > stock_items.version`

/** The bands of one catalogue page; each item is one look-up by the primary key. */
const BANDS_OF_ITEMS = `
  select item, band, available_on from stock_items
  where store = ?1 and item in (select value from json_each(?2))`

/** The consolidated list in item order: the primary key; a location narrows the page by its JSON list. */
const LIST_ITEMS = `
  select * from stock_items
  where store = ?1 and item > ?2
    and (?3 is null or exists (select 1 from json_each(stock_items.locations) where value = ?3))
  order by item limit ?4`

/** The consolidated list of one status: the index is named, for SQLite without statistics takes the primary key and walks the store. */
const LIST_ITEMS_OF_BAND = `
  select * from stock_items indexed by stock_items_by_band
  where store = ?1 and item > ?2
    and (?3 is null or exists (select 1 from json_each(stock_items.locations) where value = ?3))
    and band = ?5
  order by item limit ?4`

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
  locations: string
}

/** Upserts the documents, each only over an older version. Called by the relay before it appends the events. */
export async function recordAvailability(
  env: Env,
  documents: readonly RecordedAvailability[],
): Promise<void> {
  if (documents.length === 0) return
  const rows = documents.map(({ store, document: { item, version, document } }) => ({
    store,
    item,
    version,
    ...document,
  }))
  await env.CATALOGUE.prepare(UPSERT_AVAILABILITY).bind(JSON.stringify(rows)).run()
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

/** One page of the consolidated list, in item order, `after` exclusive ('' starts). */
export async function listStockItems(
  env: Env,
  slug: string,
  query: { after: string; limit: number; location: string | null; band: Band | null },
): Promise<StockItem[]> {
  const bound = [slug, query.after, query.location, query.limit]
  const statement = query.band
    ? env.CATALOGUE.prepare(LIST_ITEMS_OF_BAND).bind(...bound, query.band)
    : env.CATALOGUE.prepare(LIST_ITEMS).bind(...bound)
  const { results } = await statement.all<StockItemRow>()
  return results.map(itemOfRow)
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
    locations: JSON.parse(row.locations) as string[],
  }
}
