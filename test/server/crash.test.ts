import { afterAll, expect, test } from 'vitest'
import { type ApiAnswer, ApiClient } from '../../scripts/api-client.ts'
import { type LogEvent, logFaults, readAll, readLog } from '../../scripts/event-log.ts'
import { deliveryFaults } from '../../scripts/receiver/delivery-order.ts'
import { type Receiver, startReceiver } from '../../scripts/receiver/webhook-receiver.ts'
import {
  freePort,
  newStateDir,
  removeStateDir,
  type SpawnedServer,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'
import { buy, sendUntilAnswered } from '../../scripts/shopper.ts'
import { eventually } from './support/eventually.ts'
import { levelsOf, shelve } from './support/stock-shelf.ts'

const CRASHES = 4
const CLIENTS = 10
const RUN_BETWEEN_CRASHES_MS = 2_500
const SKUS = ['CRASH-A', 'CRASH-B', 'CRASH-C']
const UNITS = 300
const HOLD_SECONDS = 15
/** api.md: checkouts cut by a crash finish or undo within 30 s of a restart. */
const RECOVERY_MS = 30_000

const stateDir = newStateDir()
let server: SpawnedServer
let receiver: Receiver

afterAll(async () => {
  await server?.killGroup()
  await receiver?.close()
  removeStateDir(stateDir)
})

test('kill -9 of everything under load loses no acknowledged order, no event and no unit', async () => {
  const port = await freePort()
  server = await spawnServer({ stateDir, port })
  receiver = await startReceiver()
  const api = server.api
  await api.must('PATCH', '/v1/admin/store', { body: { holdTtlSeconds: HOLD_SECONDS } })
  const endpoint = await api.must('POST', '/v1/webhook-endpoints', {
    body: { url: receiver.url, types: ['*'] },
  })
  receiver.secrets.push(endpoint.secret)
  for (const sku of SKUS) await shelve(api, sku, UNITS)

  const load = startLoad(api)
  for (let crash = 0; crash < CRASHES; crash++) {
    await new Promise((resolve) => setTimeout(resolve, RUN_BETWEEN_CRASHES_MS))
    await server.killGroup()
    server = await spawnServer({ stateDir, port })
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const answers = await load.stop()

  // What the clients were told.
  const acknowledged = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as string)
  expect(acknowledged.length).toBeGreaterThan(20)
  expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([])

  // Nothing stays held: holds of abandoned carts and of carts lost with a connection end by themselves.
  const levels = await eventually(
    () => Promise.all(SKUS.map((sku) => levelsOf(api, sku))),
    (all) => all.every(({ reserved }) => reserved === 0),
    HOLD_SECONDS * 1_000 + RECOVERY_MS,
  )
  // No unit is lost or made: what is allocated is what was ordered.
  for (const { onHand, allocated, available } of levels) {
    expect(onHand).toBe(UNITS)
    expect(available).toBe(UNITS - allocated)
  }
  const allocated = levels.reduce((sum, level) => sum + level.allocated, 0)

  // Every acknowledged order is in the record, once; and there is no order that nobody was told of.
  const orders = await eventually(
    () => readAll(api, '/v1/admin/orders'),
    (items) => items.length >= acknowledged.length,
    RECOVERY_MS,
  )
  const ids = orders.map(({ id }) => id as string)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  expect(ids.toSorted()).toEqual(acknowledged.toSorted())
  const ordered = orders.flatMap(({ lines }) => lines).reduce((sum, line) => sum + line.quantity, 0)
  expect(allocated).toBe(ordered)

  // The log is gap-free in every subject, and each order was placed in it once.
  let known: LogEvent[] = []
  const readOn = async () => {
    known = await readLog(api, known)
    return known
  }
  const events = await eventually(readOn, (log) => isSettled(log, acknowledged, ordered), RECOVERY_MS)
  expect(logFaults(events)).toEqual([])
  const placed = events.filter(({ type }) => type === 'order.placed').map(({ subject }) => subject)
  expect(placed.toSorted()).toEqual(acknowledged.map((id) => `order:${id}`).toSorted())

  // The partner got every event, signed, in the order of its subject.
  await eventually(
    () => new Set(receiver.attempts.map(({ id }) => id)).size,
    (count) => count >= events.filter(({ type }) => !type.startsWith('webhook_endpoint.')).length,
    RECOVERY_MS,
  )
  expect(deliveryFaults(receiver.attempts)).toEqual([])
  const delivered = new Set(receiver.attempts.map(({ id }) => id))
  expect(
    events.filter(({ id }) => !delivered.has(id)).map(({ subject, type }) => `${subject} ${type}`),
  ).toEqual([])
})

/** Clients that buy, over and over, one or two SKUs at a time; every fourth cart is left lying. */
function startLoad(api: ApiClient): { stop(): Promise<ApiAnswer[]> } {
  let isRunning = true
  const answers: ApiAnswer[] = []
  const send = sendUntilAnswered(new ApiClient(api.url, ''), 100, 60_000)
  const client = async (number: number) => {
    for (let round = 0; isRunning; round++) {
      const lines = [{ sku: SKUS[(number + round) % SKUS.length]!, quantity: 1 + (round % 2) }]
      if (round % 3 === 0) lines.push({ sku: SKUS[(number + round + 1) % SKUS.length]!, quantity: 1 })
      if (round % 4 === 3) {
        await send('POST', '/v1/carts', { lines })
        continue
      }
      const { cart, checkout } = await buy(send, lines)
      answers.push(checkout ?? cart)
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
  return {
    async stop() {
      isRunning = false
      await Promise.all(clients)
      return answers
    },
  }
}

/** The log has caught up: each order's events and each allocation are in it, and every hold has ended in it. */
function isSettled(log: LogEvent[], orders: string[], ordered: number): boolean {
  const placed = log.filter(({ type }) => type === 'order.placed').length
  const lastLevels = new Map<string, { reserved: number; allocated: number }>()
  for (const { type, subject, data } of log) {
    if (type.startsWith('stock.') && data.levels) lastLevels.set(subject, data.levels)
  }
  const levels = [...lastLevels.values()]
  const allocated = levels.reduce((sum, level) => sum + level.allocated, 0)
  return placed >= orders.length && allocated === ordered && levels.every(({ reserved }) => reserved === 0)
}
