import { fromIso, now } from '../../runtime/clock.ts'
import { log } from '../../runtime/log.ts'
import type { AvailabilityDocument, AvailabilityToRecord } from '../../schema/rpc/source.ts'
import type { StockAudit, StockDrift } from '../../schema/rpc/stock.ts'
import { askStock } from '../stock/ask-stock.ts'
import { type Recorded, readRecord, reopenRecord } from '../stock/record-store.ts'
import { recordAvailability } from '../stock/store.ts'
import type { Store } from '../stores/store.ts'

/** The relay is done within a second or two and is woken again by alarm: a record behind for longer is written here. */
const LATE_AFTER_MS = 10_000

export interface RecordAudit {
  isBehind: boolean
  isRepaired: boolean
  drifts: RecordDrift[]
}
type RecordDrift = Extract<StockDrift, { kind: 'record' }>

const SOUND: RecordAudit = { isBehind: false, isRepaired: false, drifts: [] }

/**
 * The item's row in the consolidated list against what the item says that it should be; a wrong one is written again. The
 * row of an item that was never written to (`audit` null) stays: it may be all that is left of it.
 */
export async function auditRecord(
  env: Env,
  store: Store,
  item: string,
  audit: StockAudit | null,
): Promise<RecordAudit> {
  // Read after the item: what the item knows to be recorded is there, or is not recorded.
  const recorded = await readRecord(env, store.ref.slug, item)
  if (!audit) {
    return recorded ? { ...SOUND, drifts: [toDrift(difference('version', recorded.version, 'none'))] } : SOUND
  }
  const { document, behindSince } = audit
  let should = document
  if (recorded && recorded.version > document.version) {
    // The item has moved on since it was asked; or the record claims a version that never was.
    const newest = await askDocument(env, store, item)
    if (!newest || recorded.version <= newest.version) return { ...SOUND, isBehind: true }
    should = newest
  }
  const differences = compareRecord(recorded, should)
  if (differences.length === 0) return SOUND
  const isLate = behindSince === null || now() - behindSince > LATE_AFTER_MS
  if (!isLate) return { ...SOUND, isBehind: true }
  await repair(env, store, recorded, should)
  log('warn', 'the record of an item was written again', {
    store: store.ref.slug,
    item,
    fields: differences.map(({ field }) => field),
  })
  // What only came late, or was never told, was not wrong.
  const drifts = behindSince === null ? differences.filter(({ isExpected }) => !isExpected).map(toDrift) : []
  return { isBehind: false, isRepaired: true, drifts }
}

async function askDocument(
  env: Env,
  store: Store,
  item: string,
): Promise<AvailabilityToRecord['document'] | null> {
  const said = await askStock(env, store, item, async (stock) => ({
    ok: true as const,
    document: await stock.document(),
  }))
  return said.ok ? said.document : null
}

async function repair(
  env: Env,
  store: Store,
  recorded: Recorded | null,
  document: AvailabilityToRecord['document'],
): Promise<void> {
  const { slug } = store.ref
  if (recorded) await reopenRecord(env, slug, document.item, recorded.version)
  await recordAvailability(env, [{ store: slug, document }])
}

interface FieldDifference {
  field: string
  found: string
  expected: string
  /** Comes with time or with an upgrade, without anybody's fault. */
  isExpected: boolean
}

function toDrift({ field, found, expected }: FieldDifference): RecordDrift {
  return { kind: 'record', field, found, expected }
}

/** Field by field where both are of one version; of another version nothing else is to be compared. */
export function compareRecord(
  recorded: Recorded | null,
  { version, document }: AvailabilityToRecord['document'],
): FieldDifference[] {
  if (recorded?.version !== version) {
    return [difference('version', recorded?.version ?? 'none', version)]
  }
  const { byLocation: wasByLocation, ...was } = recorded.document
  const { byLocation, ...is } = document
  const fields = Object.keys(is) as (keyof Omit<AvailabilityDocument, 'byLocation'>)[]
  return [
    ...fields.map((field) => ({
      ...difference(field, was[field], is[field]),
      isExpected: isPast(field, was),
    })),
    ...byLocation.map(({ location, ...figures }) => {
      const { location: _, ...known } = wasByLocation.find((place) => place.location === location) ?? {}
      const isUntold = Object.values(known).includes(null)
      return { ...difference(`at/${location}`, known, figures), isExpected: isUntold }
    }),
  ].filter(({ found, expected }) => found !== expected)
}

/** A date that has passed is no date any more, in the document; in the record it stays until the next one. */
function isPast(field: string, { availableOn }: { availableOn: string | null }): boolean {
  return field === 'availableOn' && availableOn !== null && fromIso(availableOn) <= now()
}

function difference(field: string, found: unknown, expected: unknown): FieldDifference {
  return { field, found: textOf(found), expected: textOf(expected), isExpected: false }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value))
}
