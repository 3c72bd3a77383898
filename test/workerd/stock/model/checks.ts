import type { OutboxEvent } from '../../../../schema/rpc/source.ts'
import type { Levels, Movement } from '../../../../schema/rpc/stock.ts'
import { THRESHOLD } from './callers.ts'
import type { ReferenceModel } from './reference-model.ts'
import { byName } from './shelves.ts'
import type { Inside } from './subject.ts'

/** The relay is asked again so long after it was asked in vain, at the latest. */
const RENUDGE_MAX_MS = 60_000
const BAND_REST_MS = 1_000

/** Cheap, since it is asked some million times; says what differs. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (is !== should) throw new Error(`${what}: ${is}, and the model says ${should}`)
}

function expectTrue(what: string, is: boolean): void {
  if (!is) throw new Error(what)
}

interface Row {
  sequence: number
  type: string | null
  event_type: string
  occurred_at: number
  data: string
}

/** A word for each thing that rows of the ledger tell; band crossings apart, which have rules of their own. */
export function titlesOf(rows: Record<string, unknown>[]): string[] {
  return (rows as unknown as Row[]).flatMap(({ event_type: type, data }) => titles(type, JSON.parse(data)))
}

function titles(eventType: string, data: Told): string[] {
  if (eventType === 'stock.availability_changed') return []
  if (eventType === 'stock.shortage') {
    const told = data.orders!.map(
      ({ orderId, quantity }) => `shortage ${quantity} ${orderId.slice('ord_'.length)}`,
    )
    const missing = data.orders!.reduce((units, { quantity }) => units + quantity, 0)
    expectSame('the units that a shortage misses', data.missing, missing)
    return told.sort((a, b) => (a.slice(-1) < b.slice(-1) ? -1 : 1))
  }
  const { type, quantity, reason, purchaseId } = data.movement!
  const of = purchaseId ?? reason
  return [`${type} ${quantity}${of ? ` ${of}` : ''}`]
}

interface Told {
  movement?: Movement
  orders?: { orderId: string; quantity: number }[]
  missing?: number
  previous?: string
  current?: string
  levels: Levels
}

/** What anyone can see of the object is what the model says, and what it keeps adds up. */
export async function checkState(inside: Inside, model: ReferenceModel): Promise<void> {
  const found = await inside.stock.levels()
  if (!found) throw new Error('the item is unknown')
  const { levels } = found
  const { onHand, reserved, allocated, safetyStock, available, incoming } = levels
  const { room, ...shown } = model.shown
  const counts = { ...shown, incoming: model.incoming }
  expectSame('levels', { onHand, reserved, allocated, safetyStock, available, incoming }, counts)
  const places = levels.positions.map(
    (p) => [`${p.location}/${p.lot}`, [p.onHand, p.reserved, p.allocated]] as const,
  )
  const filled = places.filter(([, units]) => units.some((n) => n !== 0)).sort(byName)
  expectSame('positions', Object.fromEntries(filled), model.shownPlaces)
  for (const { location, lot, expiresAt, ...units } of levels.positions) {
    const isPast = expiresAt !== null && expiresAt <= model.at
    if (location === '' || isPast) continue
    const promised = units.reserved + units.allocated
    expectTrue(`${location}/${lot} promises ${promised} of ${units.onHand}`, promised <= units.onHand)
  }
  const seen = await inside.stock.availability(THRESHOLD)
  expectSame('availability', seen.available, model.isOnSale ? available : 0)
  expectSame('backorder', seen.backorder, model.isOnSale ? Math.max(0, room - available) : 0)
  expectSame('band', seen.band, bandOf(seen, model.policy.lowStockThreshold ?? THRESHOLD))
  checkPromises(inside, model)
  await checkAlarm(inside, model, seen.band)
}

function bandOf(
  { available, backorder }: { available: number; backorder: number },
  threshold: number,
): string {
  if (available === 0) return backorder > 0 ? 'backorder' : 'out_of_stock'
  return available <= threshold ? 'low_stock' : 'in_stock'
}

/**
 * Those are remembered that the model remembers; a promise is the sum of its shares, and what positions have promised is
 * the sum of all promises.
 */
function checkPromises(inside: Inside, model: ReferenceModel): void {
  const promised = new Map<string, number>()
  const reservations = inside.rows('select * from reservation order by purchase_id')
  const known = reservations.map(({ purchase_id }) => purchase_id)
  expectSame('who is remembered', known, [...model.promises.keys()].sort())
  for (const { purchase_id, state, quantity, shares, beyond_hand } of reservations) {
    const list = JSON.parse(shares as string) as { location: string; lot: string; quantity: number }[]
    const units = list.reduce((sum, share) => sum + share.quantity, 0)
    expectSame(`the shares of ${purchase_id}`, units, quantity)
    const beyond = list.find(({ location }) => location === '')?.quantity ?? 0
    expectSame(`the units of ${purchase_id} beyond hand`, beyond_hand, beyond)
    for (const { location, lot, quantity } of list) {
      expectTrue(`a share of ${purchase_id} is empty`, quantity > 0)
      const key = `${location}/${lot} ${state}`
      promised.set(key, (promised.get(key) ?? 0) + quantity)
    }
  }
  for (const { location, lot, reserved, allocated } of inside.rows('select * from position')) {
    const of = (state: string) => promised.get(`${location}/${lot} ${state}`) ?? 0
    expectSame(`what ${location}/${lot} has promised`, [reserved, allocated], [of('held'), of('allocated')])
  }
}

/** Whatever happens by itself has an alarm that is not too late for it. */
async function checkAlarm(inside: Inside, model: ReferenceModel, band: string): Promise<void> {
  const item = inside.rows('select * from item')[0]!
  const [last] = inside.rows('select coalesce(max(sequence), 0) as sequence from movement')
  const holds = [...model.promises.values()].filter(({ state }) => state === 'held').map(({ until }) => until)
  const lots = [...model.places.values()].filter(({ onHand }) => onHand > 0).map(({ expiresAt }) => expiresAt)
  const { saleStartsAt, saleEndsAt } = model.policy
  const edges = [saleStartsAt, saleEndsAt].filter((edge) => edge !== null && edge > model.at)
  const isBehind = (last!.sequence as number) > (item.confirmed as number)
  const dues = [...holds, ...lots, ...edges, isBehind ? model.at + RENUDGE_MAX_MS : null]
  if (band !== item.band) dues.push(Math.max(model.at, (item.band_at as number) + BAND_REST_MS))
  const next = Math.min(...dues.filter((due) => due !== null))
  const alarmAt = await inside.alarmAt()
  if (next !== Number.POSITIVE_INFINITY) {
    expectTrue(`the alarm is at ${alarmAt}, too late for ${next}`, alarmAt !== null && alarmAt <= next)
  }
}

/** The whole ledger, as the log has it: no gap, each hold ends once, no storm of crossings, and its sums are the counters. */
export async function checkLedger(inside: Inside, model: ReferenceModel, log: OutboxEvent[]): Promise<void> {
  const { levels } = (await inside.stock.levels())!
  expectSame(
    'the log',
    log.map(({ sequence, outbox }) => [sequence, outbox]),
    Array.from({ length: levels.sequence }, (_, i) => [i + 1, i + 1]),
  )
  expectSame('ids in the log', new Set(log.map(({ id }) => id)).size, log.length)
  const sums = new Map<string, number>()
  const held = new Set<string>()
  let [band, bandAt] = ['out_of_stock', 0]
  for (const { type, occurredAt, data } of log) {
    const told = JSON.parse(data) as Told
    if (type === 'stock.availability_changed') {
      expectSame('the band that was told before', told.previous, band)
      expectTrue('a crossing into the same band', told.current !== band)
      expectTrue('two crossings within a second', occurredAt - bandAt >= BAND_REST_MS)
      band = told.current!
      bandAt = occurredAt
    }
    if (type === 'stock.availability_changed' || type === 'stock.shortage') continue
    const { type: movement, purchaseId, deltas } = told.movement!
    if (movement === 'reserve') held.add(purchaseId!)
    if (['release', 'expire', 'allocate'].includes(movement)) {
      expectTrue(`a hold of ${purchaseId} ends without having begun`, held.delete(purchaseId!))
    }
    for (const { location, lot, ...units } of deltas) {
      expectSame('the counters of a delta', Object.keys(units), ['onHand', 'reserved', 'allocated'])
      for (const [counter, n] of Object.entries(units)) {
        const key = `${location}/${lot}/${counter}`
        sums.set(key, (sums.get(key) ?? 0) + n)
      }
    }
  }
  expectSame('the band at the end', band, (await inside.stock.availability(THRESHOLD)).band)
  for (const { location, lot, onHand, reserved, allocated } of levels.positions) {
    for (const [counter, n] of Object.entries({ onHand, reserved, allocated })) {
      const key = `${location}/${lot}/${counter}`
      expectSame(`the ledger's sum of ${key}`, sums.get(key) ?? 0, n)
      sums.delete(key)
    }
  }
  expectSame(
    'sums of places that are gone',
    [...sums].filter(([, sum]) => sum !== 0),
    [],
  )
  const live = [...model.promises].filter(([, { state }]) => state === 'held')
  expectSame(
    'holds that outlive their end',
    live.filter(([, { until }]) => until <= model.at),
    [],
  )
  const audit = await inside.stock.audit()
  expectSame('drifts', audit?.drifts, [])
}
