import { type ApiClient, eachOf } from '../../scripts/api-client.ts'
import { type LogEvent, logFaults, readAll, readLog } from '../../scripts/event-log.ts'
import { deliveryFaults } from '../../scripts/receiver/delivery-order.ts'
import type { Receiver } from '../../scripts/receiver/webhook-receiver.ts'
import type { Bought } from './buy-day.ts'
import { stockedUnits } from './load-goods.ts'
import type { Goods } from './read-day.ts'

export interface Checks {
  /** What was seen to be wrong; empty: all promises held. */
  faults: string[]
  events: number
  deliveries: number
  logDrainMs: number
  deliveryDrainMs: number
}

const DRAIN_WITHIN_MS = 180_000

interface Levels {
  onHand: number
  reserved: number
  allocated: number
  available: number
  sequence: number
}

/** After the last purchase: waits until log and receiver have everything, then holds each promise against what is there. */
export async function checkDay(
  api: ApiClient,
  goods: readonly Goods[],
  bought: readonly Bought[],
  receiver: Receiver,
): Promise<Checks> {
  const started = performance.now()
  const faults: string[] = []
  const placed = bought.filter(({ purchase }) => purchase.checkout?.status === 201)
  const levels = await readLevels(api, goods)
  faults.push(...answerFaults(bought), ...stockFaults(goods, placed, levels))

  const log = await drained(
    () => readLog(api),
    (events) => isComplete(events, levels, placed.length),
  )
  const logDrainMs = performance.now() - started
  if (!log.isDone) faults.push('the log did not get every event in time')
  const events = log.value
  faults.push(...logFaults(events), ...(await orderFaults(api, placed, events)))

  const wanted = events.map(({ id }) => id)
  const delivery = await drained(
    async () => new Set(receiver.attempts.filter(({ status }) => status < 300).map(({ id }) => id)),
    (ids) => wanted.every((id) => ids.has(id)),
  )
  if (!delivery.isDone) {
    faults.push(`${wanted.filter((id) => !delivery.value.has(id)).length} events were not delivered in time`)
  }
  faults.push(...deliveryFaults(receiver.attempts))
  return {
    faults,
    events: events.length,
    deliveries: delivery.value.size,
    logDrainMs,
    deliveryDrainMs: performance.now() - started,
  }
}

/** A purchase ends with an order or with a 409 that names what is short; anything else is a fault. */
function answerFaults(bought: readonly Bought[]): string[] {
  return bought.flatMap(({ number, purchase }) => {
    const { status, body } = purchase.checkout ?? purchase.cart
    if (status === 201 || (status === 409 && body?.code === 'insufficient_stock')) return []
    return [`invoice ${number} was answered ${status}: ${JSON.stringify(body)?.slice(0, 300)}`]
  })
}

function stockFaults(
  goods: readonly Goods[],
  placed: readonly Bought[],
  levels: ReadonlyMap<string, Levels>,
): string[] {
  const sold = new Map<string, number>()
  for (const { sku, quantity } of placed.flatMap(({ lines }) => lines)) {
    sold.set(sku, (sold.get(sku) ?? 0) + quantity)
  }
  return goods.flatMap(({ sku, demand }) => {
    const stocked = stockedUnits(demand)
    const { onHand, reserved, allocated, available } = levels.get(sku) ?? NOTHING
    const wrong = []
    if ((sold.get(sku) ?? 0) > stocked) wrong.push(`${sku}: ${sold.get(sku)} sold of ${stocked}`)
    if (onHand !== stocked) wrong.push(`${sku}: ${onHand} on hand, ${stocked} received`)
    if (allocated !== (sold.get(sku) ?? 0)) {
      wrong.push(`${sku}: ${allocated} allocated, ${sold.get(sku) ?? 0} sold`)
    }
    if (reserved !== 0) wrong.push(`${sku}: ${reserved} still held`)
    if (available !== onHand - reserved - allocated) wrong.push(`${sku}: ${available} available`)
    return wrong
  })
}

/** Every accepted invoice is one order, in its answer, in the record and in the log. */
async function orderFaults(
  api: ApiClient,
  placed: readonly Bought[],
  events: readonly LogEvent[],
): Promise<string[]> {
  const answered = placed.map(({ purchase }) => purchase.checkout!.body.id as string)
  const recorded = (await readAll<{ id: string }>(api, '/v1/admin/orders')).map(({ id }) => id)
  const logged = events
    .filter(({ type }) => type === 'order.placed')
    .map(({ subject }) => subject.slice('order:'.length))
  const faults: string[] = []
  if (new Set(answered).size !== answered.length) faults.push('an order was answered to two invoices')
  if (!isSameList(recorded, answered)) {
    faults.push(`${recorded.length} orders recorded, ${answered.length} answered`)
  }
  if (!isSameList(logged, answered)) {
    faults.push(`${logged.length} orders in the log, ${answered.length} answered`)
  }
  return faults
}

function isComplete(
  events: readonly LogEvent[],
  levels: ReadonlyMap<string, Levels>,
  orders: number,
): boolean {
  const last = new Map(events.map(({ subject, sequence }) => [subject, sequence]))
  const placed = events.filter(({ type }) => type === 'order.placed').length
  const paid = events.filter(({ type }) => type === 'order.paid').length
  const hasItems = [...levels].every(([sku, { sequence }]) => (last.get(`item:${sku}`) ?? 0) >= sequence)
  return placed === orders && paid === orders && hasItems
}

async function readLevels(api: ApiClient, goods: readonly Goods[]): Promise<Map<string, Levels>> {
  const levels = new Map<string, Levels>()
  await eachOf(goods, 16, async ({ sku }) => {
    const answer = await api.call<Levels>('GET', `/v1/admin/stock/${encodeURIComponent(sku)}`)
    if (answer.status === 200) levels.set(sku, answer.body)
  })
  return levels
}

async function drained<T>(
  ask: () => Promise<T>,
  isDone: (value: T) => boolean,
): Promise<{ value: T; isDone: boolean }> {
  const deadline = Date.now() + DRAIN_WITHIN_MS
  for (;;) {
    const value = await ask()
    if (isDone(value)) return { value, isDone: true }
    if (Date.now() > deadline) return { value, isDone: false }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted())
}

const NOTHING: Levels = { onHand: 0, reserved: 0, allocated: 0, available: 0, sequence: 0 }
