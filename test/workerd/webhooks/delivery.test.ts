import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterEach, describe, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import type { EventType } from '../../../schema/event-types.ts'
import { recordEventStatements, sendNudge } from '../../../worker/events/outbox-store.ts'
import { staff, until } from '../../support/api.ts'
import { loseMessages } from '../../support/faults.ts'
import { newReceiver } from '../../support/receiver.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }

/** Something happens to a product: its event is committed and the relay is nudged. */
async function happen(handle: string, data: unknown = {}, type: EventType = 'product.updated') {
  const subject = `product:${handle}`
  await env.CATALOGUE.batch(recordEventStatements(env, { store: 'default', type, subject, data, at: now() }))
  await sendNudge(env, STORE)
}

async function register(url: string, more: object = {}) {
  const { status, body } = await staff('POST', '/v1/webhook-endpoints', {
    url,
    types: ['product.*'],
    ...more,
  })
  expect(status).toBe(201)
  return body as { id: string; secret: string }
}

function stubOf(id: string) {
  return env.WEBHOOK_ENDPOINT.getByName(`default/${id}`)
}

async function deliveries(id: string, state = '') {
  const { body } = await staff(
    'GET',
    `/v1/webhook-endpoints/${id}/deliveries?limit=100${state && `&state=${state}`}`,
  )
  return body.items
}

async function describeEndpoint(id: string) {
  return (await staff('GET', `/v1/webhook-endpoints/${id}`)).body
}

const handle = () => `p-${crypto.randomUUID().slice(0, 8)}`

/** What a test registered would go on receiving, and failing, in the tests after it. */
afterEach(async () => {
  testClock.reset()
  const { body } = await staff('GET', '/v1/webhook-endpoints?limit=100')
  for (const { id } of body.items) await staff('DELETE', `/v1/webhook-endpoints/${id}`)
})

test('an event arrives within a second of its commit, signed so that both public verifiers accept it', async () => {
  const receiver = newReceiver()
  const { secret } = await register(receiver.url)
  const product = handle()
  const committedAt = Date.now()
  await happen(product, { title: 'Ein schönes Hemd, "blau" ☂' })
  const [delivery] = await until(receiver.received, (all) => all.length > 0)
  expect(delivery!.at - committedAt).toBeLessThan(1_000)
  expect(new Webhook(secret).verify(delivery!.body, delivery!.headers)).toMatchObject({
    type: 'product.updated',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    data: { title: 'Ein schönes Hemd, "blau" ☂' },
    id: delivery!.headers['webhook-id'],
    store: 'default',
    subject: `product:${product}`,
    sequence: 1,
    position: expect.any(Number),
  })
  new SvixWebhook(secret).verify(delivery!.body, delivery!.headers)
  expect(delivery!.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^Holdfast/),
  })
})

test('the events of a subject arrive in order, each once', async () => {
  const receiver = newReceiver()
  await register(receiver.url)
  const [a, b] = [handle(), handle()]
  for (let i = 0; i < 15; i++) await happen(i % 3 ? a : b, { i })
  const all = await until(receiver.received, (got) => got.length >= 15)
  for (const product of [a, b]) {
    const sequences = all
      .filter(({ event }) => event.subject === `product:${product}`)
      .map(({ event }) => event.sequence)
    expect(sequences).toEqual(sequences.map((_, i) => i + 1))
  }
  expect(all).toHaveLength(15)
})

test('a subject that fails holds up itself and nobody else, and comes in order once it is taken', async () => {
  const receiver = newReceiver()
  const [sick, well] = [handle(), handle()]
  await receiver.answerWith({ subject: `product:${sick}`, status: 500, times: 2 })
  const { id } = await register(receiver.url)
  for (let i = 0; i < 3; i++) {
    await happen(sick, { i })
    await happen(well, { i })
  }
  const of = async (product: string) =>
    (await receiver.received()).filter(
      ({ event, status }) => event.subject === `product:${product}` && status === 200,
    )
  await until(
    () => of(well),
    (all) => all.length === 3,
  )
  expect(await of(sick)).toEqual([])
  // The first retry is real: 1 to 2 s later, by the alarm.
  const failures = await until(
    receiver.received,
    (all) => all.filter(({ status }) => status === 500).length === 2,
  )
  const [first, second] = failures.filter(({ status }) => status === 500).map(({ at }) => at)
  expect(second! - first!).toBeGreaterThanOrEqual(950)
  expect(second! - first!).toBeLessThan(3_000)
  testClock.advance(7_000)
  await runDurableObjectAlarm(stubOf(id))
  const arrived = await until(
    () => of(sick),
    (all) => all.length === 3,
  )
  expect(arrived.map(({ event }) => event.sequence)).toEqual([1, 2, 3])
  const [delivered] = (await deliveries(id)).filter(
    (one: { subject: string; sequence: number }) => one.subject === `product:${sick}` && one.sequence === 1,
  )
  expect(delivered).toMatchObject({ state: 'delivered', attemptCount: 3 })
  expect(
    delivered.attempts.map((one: { status: number; error: string | null }) => [one.status, one.error]),
  ).toEqual([
    [200, null],
    [500, 'status'],
    [500, 'status'],
  ])
})

describe('each cause of failure has its name', () => {
  test.each([
    ['a redirect is not followed', { status: 302, headers: { location: '/elsewhere' } }, 'redirect', 302],
    ['a broken connection', { status: 200, isBroken: true }, 'connection', null],
    ['an unwelcome status', { status: 404 }, 'status', 404],
  ])('%s', async (_title, rule, error, status) => {
    const receiver = newReceiver()
    await receiver.answerWith(rule)
    const { id } = await register(receiver.url)
    const { body } = await staff('POST', `/v1/webhook-endpoints/${id}/test`)
    expect(body).toMatchObject({ error, status, eventId: expect.stringMatching(/^evt_/) })
    expect(await receiver.received()).toHaveLength(1)
  })
})

test('a receiver that asks for time is given it', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 503, headers: { 'retry-after': '120' }, times: 1 })
  const { id } = await register(receiver.url)
  await happen(handle())
  const [pending] = await until(
    () => deliveries(id, 'pending'),
    (all) => all[0]?.attempts.length === 1,
  )
  const pause = Date.parse(pending.nextAttemptAt) - Date.parse(pending.attempts[0].at)
  expect(pause).toBeGreaterThanOrEqual(119_000)
  expect(pause).toBeLessThan(125_000)
})

test('410 disables the endpoint and tells the store; whoever resumes it loses nothing', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 410, times: 1 })
  const { id } = await register(receiver.url)
  const product = handle()
  await happen(product)
  await until(
    () => describeEndpoint(id),
    ({ status }) => status === 'disabled',
  )
  expect((await describeEndpoint(id)).disabledReason).toBe('gone')
  const { body: feed } = await until(
    () => staff('GET', `/v1/events?type=webhook_endpoint.disabled&subject=webhook_endpoint:${id}`),
    ({ body }) => body.items.length > 0,
  )
  expect(feed.items[0]).toMatchObject({ sequence: 1, data: { endpoint: id, reason: 'gone' } })
  await happen(product)
  const { body } = await staff('POST', `/v1/webhook-endpoints/${id}/resume`)
  expect(body).toMatchObject({ status: 'enabled', disabledReason: null })
  const taken = await until(
    async () => (await receiver.received()).filter(({ status }) => status === 200),
    (all) => all.length === 2,
  )
  expect(taken.map(({ event }) => event.sequence)).toEqual([1, 2])
})

test('an endpoint that was disabled while the queue lost messages is told of by its alarm', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 410, times: 1, delayMs: 300 })
  const { id } = await register(receiver.url)
  await happen(handle())
  await until(receiver.received, (all) => all.length === 1)
  const mend = loseMessages()
  await until(
    () => describeEndpoint(id),
    ({ status }) => status === 'disabled',
  )
  mend()
  await runDurableObjectAlarm(stubOf(id))
  await until(
    () => staff('GET', `/v1/events?subject=webhook_endpoint:${id}`),
    ({ body }) => body.items.length === 1,
  )
})

test('a paused endpoint gets nothing, and everything once it is resumed', async () => {
  const receiver = newReceiver()
  const { id } = await register(receiver.url)
  await staff('POST', `/v1/webhook-endpoints/${id}/pause`)
  const [product, watcher] = [handle(), newReceiver()]
  await register(watcher.url)
  await happen(product)
  await until(watcher.received, (all) => all.length === 1)
  await runInDurableObject(stubOf(id), (object) => (object as unknown as { poke(): Promise<void> }).poke())
  expect(await receiver.received()).toEqual([])
  await staff('POST', `/v1/webhook-endpoints/${id}/resume`)
  await until(receiver.received, (all) => all.length === 1)
})

test('after its last attempt a delivery is dead, its subject goes on, and a person can deliver it again', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 500, times: 13 })
  const { id } = await register(receiver.url)
  const product = handle()
  await happen(product, { n: 1 })
  await until(
    () => deliveries(id, 'pending'),
    (all) => all[0]?.attempts.length === 1,
  )
  await happen(product, { n: 2 })
  // The schedule is 76 hours long: this keeps the five days of failure out of the test, which jumps further.
  await runInDurableObject(
    stubOf(id),
    (_, state) => void state.storage.sql.exec('update endpoint set failing_since = 1e15'),
  )
  await until(
    async () => {
      testClock.advance(30 * 3600 * 1000)
      await runDurableObjectAlarm(stubOf(id))
      return receiver.received()
    },
    (all) => all.length === 14,
  )
  const [dead] = await deliveries(id, 'dead')
  expect(dead).toMatchObject({ sequence: 1, state: 'dead', attemptCount: 13, nextAttemptAt: null })
  expect(dead.attempts).toHaveLength(10)
  expect(await describeEndpoint(id)).toMatchObject({ dead: 1, pending: 0 })
  const { status, body } = await staff('POST', `/v1/webhook-endpoints/${id}/redeliveries`, { state: 'dead' })
  expect([status, body]).toEqual([202, { scheduled: 1, hasMore: false }])
  const all = await until(receiver.received, (got) => got.length === 15)
  expect(all.at(-1)!.event.id).toBe(all[0]!.event.id)
  await until(
    () => describeEndpoint(id),
    ({ dead: left }) => left === 0,
  )
})

test('five days of nothing but failures disable the endpoint', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 500 })
  const { id } = await register(receiver.url)
  await happen(handle())
  await until(
    () => deliveries(id, 'pending'),
    (all) => all[0]?.attempts.length === 1,
  )
  testClock.advance(5 * 24 * 3600 * 1000)
  await runDurableObjectAlarm(stubOf(id))
  expect(await describeEndpoint(id)).toMatchObject({
    status: 'disabled',
    disabledReason: 'failing',
    pending: 1,
  })
})

test('a crash between the answer and its row repeats the delivery and loses none', async () => {
  const receiver = newReceiver()
  await receiver.answerWith({ status: 200, delayMs: 400, times: 1 })
  const { id } = await register(receiver.url)
  const product = handle()
  await happen(product, { n: 1 })
  await happen(product, { n: 2 })
  await until(receiver.received, (all) => all.length === 1)
  // The object dies while the partner is about to answer; its alarm was set before anything was sent.
  await runInDurableObject(stubOf(id), (_, state) => state.abort('crash')).catch(() => undefined)
  expect(await runInDurableObject(stubOf(id), (_, state) => state.storage.getAlarm())).not.toBeNull()
  await until(
    async () => {
      await runDurableObjectAlarm(stubOf(id))
      return deliveries(id, 'delivered')
    },
    (all) => all.length === 2,
  )
  const sequences = (await receiver.received()).map(({ event }) => event.sequence)
  expect([...new Set(sequences)]).toEqual([1, 2])
})

test('while the log is down nothing is lost, and it goes on by itself once it is back', async () => {
  const receiver = newReceiver()
  const { id } = await register(receiver.url)
  await env.EVENTS.prepare('alter table events rename to events_away').run()
  await happen(handle())
  await runInDurableObject(stubOf(id), (object) => (object as unknown as { poke(): Promise<void> }).poke())
  await env.EVENTS.prepare('alter table events_away rename to events').run()
  await sendNudge(env, STORE)
  await until(receiver.received, (all) => all.length === 1)
})

test('during a rotation the old and the new secret both verify, and a day later the new one alone', async () => {
  const receiver = newReceiver()
  const { id, secret } = await register(receiver.url)
  const { status, body } = await staff('POST', `/v1/webhook-endpoints/${id}/secret-rotation`)
  expect(status).toBe(201)
  await happen(handle())
  const [during] = await until(receiver.received, (all) => all.length === 1)
  for (const one of [secret, body.secret]) new Webhook(one).verify(during!.body, during!.headers)
  testClock.advance(24 * 3600 * 1000 + 1)
  await staff('POST', `/v1/webhook-endpoints/${id}/test`)
  const after = (await receiver.received())[1]!
  expect(after.headers['webhook-signature']!.split(' ')).toHaveLength(1)
})

test('an endpoint starts at the head of the log, or where it was told to', async () => {
  const product = handle()
  await happen(product, { n: 1 })
  const { body: before } = await until(
    () => staff('GET', `/v1/events?subject=product:${product}`),
    ({ body }) => body.items.length === 1,
  )
  const [late, early] = [newReceiver(), newReceiver()]
  await register(late.url)
  await register(early.url, { from: before.items[0].position - 1 })
  await happen(product, { n: 2 })
  await until(early.received, (all) => all.length === 2)
  const got = await until(late.received, (all) => all.length === 1)
  expect(got[0]!.event.sequence).toBe(2)
})

test('what was written down for a stronger key is not sent where a weaker one aims, nor redelivered there', async () => {
  const [first, second] = [newReceiver(), newReceiver()]
  const { id } = await register(first.url)
  const [sent, waiting] = [handle(), handle()]
  await happen(sent, { n: 1 })
  await until(
    () => deliveries(id, 'delivered'),
    (rows) => rows.length === 1,
  )
  await first.answerWith({ subject: `product:${waiting}`, status: 500 })
  await happen(waiting, { n: 2 })
  await until(
    () => deliveries(id, 'pending'),
    (rows) => rows.length === 1,
  )

  const path = `/v1/webhook-endpoints/${id}`
  const weak = { name: 'weak', scopes: ['webhooks:write'] }
  const { key } = (await staff('POST', '/v1/admin/api-keys', weak)).body
  await staff('PATCH', path, { url: second.url, types: ['*'] }, { key })
  await staff('POST', `${path}/redeliveries`, { since: '2000-01-01T00:00:00Z' }, { key })
  testClock.advance(60_000)
  await runDurableObjectAlarm(stubOf(id))
  await staff('POST', `${path}/test`, undefined, { key })
  expect((await second.received()).map(({ event }) => event.type)).toEqual(['webhook_endpoint.test'])
  expect((await deliveries(id, 'dead')).map(({ subject }: { subject: string }) => subject)).toEqual([
    `product:${waiting}`,
  ])

  // Nothing is lost: who may read it aims and redelivers.
  await staff('PATCH', path, { url: second.url })
  await staff('POST', `${path}/redeliveries`, { state: 'dead' })
  await until(
    () => second.received(),
    (all) => all.some(({ event }) => event.subject === `product:${waiting}`),
  )
})
