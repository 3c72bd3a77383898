import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, test } from 'vitest'
import { webhookEndpointOf } from '../../../durable-objects/webhook-endpoint/client.ts'
import { readLog } from '../../../durable-objects/webhook-endpoint/log.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { type EventType, SCOPES } from '../../../schema/event-types.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../../schema/rpc/idempotency.ts'
import { appendEvents } from '../../../worker/events/log-store.ts'
import { enabledEndpointsOf, enterEndpoint } from '../../../worker/webhooks/endpoint-store.ts'
import { pokeMatching } from '../../../worker/webhooks/poke-endpoints.ts'
import { until } from '../../support/api.ts'
import { loseMessages } from '../../support/faults.ts'
import { newReceiver } from '../../support/receiver.ts'

let slug = ''
let id = ''
let mend = () => {}
afterEach(async () => {
  mend()
  mend = () => {}
  testClock.reset()
  await object().remove()
})

const object = () => webhookEndpointOf(env, storeOf(), id)
const storeOf = () => ({ slug, jurisdiction: null, region: null })

/** An endpoint of a store of its own, with a log of its own. */
async function newEndpoint(url: string, types: string[] = ['*']) {
  slug = `reading-${crypto.randomUUID().slice(0, 8)}`
  id = `whe_${crypto.randomUUID()}`
  const command = { id, store: storeOf(), url, types, description: '', scopes: [...SCOPES] }
  await object().create({ ...command, from: 0, idempotency: null })
}

async function append(subject: string, sequence: number, type: EventType = 'product.updated', data = '{}') {
  const event = { id: `evt_${crypto.randomUUID()}`, outbox: 1, store: slug, subject, sequence, type, data }
  expect(await appendEvents(env, [{ ...event, occurredAt: now() }])).toEqual([])
}

test('an attempt that hangs does not hold up the retry of another subject', async () => {
  const receiver = newReceiver()
  await receiver.answerWith(
    { subject: 'product:slow', status: 200, delayMs: 6_000 },
    { subject: 'product:sick', status: 500, times: 1 },
  )
  await newEndpoint(receiver.url)
  await append('product:slow', 1)
  await append('product:sick', 1)
  await object().poke()
  const [first, second] = await until(
    async () => (await receiver.received()).filter(({ event }) => event.subject === 'product:sick'),
    (all) => all.length === 2,
    8_000,
  )
  expect(second!.at - first!.at).toBeLessThan(2_500)
})

test('an event that a wider filter asks for is not passed by a page that was read for the narrower one', async () => {
  const receiver = newReceiver()
  await newEndpoint(receiver.url, ['order.*'])
  await append('product:a', 1)
  const prepare = env.EVENTS.prepare
  mend = () => Object.assign(env.EVENTS, { prepare })
  // The page is read with the old filter, and the new one is set before it has come.
  const widenWhileReading = (sql: string) => {
    mend()
    const statement = env.EVENTS.prepare(sql)
    const bind = (...values: unknown[]) => ({
      all: async () => {
        const page = await statement.bind(...values).all()
        await object().update({ url: null, types: ['product.*'], description: null, scopes: [...SCOPES] })
        return page
      },
    })
    return { bind }
  }
  Object.assign(env.EVENTS, { prepare: widenWhileReading })
  await object().poke()
  const [delivery] = await until(receiver.received, (all) => all.length > 0)
  expect(delivery!.event.subject).toBe('product:a')
})

test('a page of the log ends at 4 MB, and an event that is larger alone still comes', async () => {
  await newEndpoint(newReceiver().url, ['order.*'])
  const data = JSON.stringify('x'.repeat(1_500_000))
  for (const n of [1, 2, 3, 4]) await append(`product:${n}`, 1, 'product.updated', data)
  await append('product:5', 1, 'product.deleted')
  const first = await readLog(env, slug, 0, ['product.updated', 'product.deleted'])
  expect([first.events.map(({ subject }) => subject), first.hasMore]).toEqual([
    ['product:1', 'product:2', 'product:3'],
    true,
  ])
  const rest = await readLog(env, slug, first.events.at(-1)!.position, ['product.updated', 'product.deleted'])
  expect([rest.events.map(({ subject }) => subject), rest.hasMore]).toEqual([
    ['product:4', 'product:5'],
    false,
  ])
  const unwanted = await readLog(env, slug, 0, ['product.deleted'])
  expect(unwanted.events.map(({ data }) => data)).toEqual([null, null, null, null, '{}'])
})

test('an endpoint whose key comes again long after it was deleted goes on counting its own events', async () => {
  // Without the relay, which would confirm what the test looks at.
  mend = loseMessages()
  const receiver = newReceiver()
  const stub = () => env.WEBHOOK_ENDPOINT.getByName(`${slug}/${id}`)
  slug = `reading-${crypto.randomUUID().slice(0, 8)}`
  id = `whe_${crypto.randomUUID()}`
  const idempotency = { key: 'k', fingerprint: 'f' }
  await append('product:a', 1)
  const live = async (status: number, sequences: number[]) => {
    await receiver.answerWith({ status })
    const command = { id, store: storeOf(), url: receiver.url, types: ['*'], description: '' }
    const created = await object().create({ ...command, scopes: [...SCOPES], from: 0, idempotency })
    expect(created).toMatchObject({ ok: true, isReplay: false })
    await until(
      () => object().deliveries({ state: null, before: null, limit: 1 }),
      (all) => all.ok && all.deliveries[0]?.attempts === 1,
    )
    const { events } = await object().pull(10)
    expect(events.map((event) => event.sequence)).toEqual(sequences)
    await object().confirm(events.at(-1)?.outbox ?? 0, null)
    await object().remove()
    testClock.advance(IDEMPOTENCY_KEPT_MS + 1)
    await runDurableObjectAlarm(stub())
  }
  await live(410, [1])
  await live(200, [])
  await live(410, [2])
  expect(await object().describe()).toMatchObject({ code: 'webhook_endpoint_not_found' })
})

test('word of an end that comes again after the endpoint was resumed does not put it to sleep', async () => {
  await newEndpoint(newReceiver().url)
  await enterEndpoint(
    env,
    { store: storeOf(), id, types: ['*'], scopes: [...SCOPES], status: 'enabled' },
    now(),
  )
  await pokeMatching(env, [
    { store: slug, type: 'webhook_endpoint.disabled', subject: `webhook_endpoint:${id}` },
  ])
  expect((await enabledEndpointsOf(env, [slug])).map((entry) => entry.id)).toEqual([id])
})
