import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { BATCH_MAX } from '../../../schema/http/stock.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../../schema/rpc/idempotency.ts'
import { call, ROOT_KEY, staff } from '../../support/api.ts'
import { aroundStock, breakDatabase, breakStock } from '../../support/faults.ts'

const PATH = '/v1/admin/stock/batch'
const receive = (item: string, quantity: number, more: object = {}) => ({
  item,
  type: 'receive',
  location: 'main',
  quantity,
  ...more,
})
const batch = (
  movements: object[],
  options: { idempotencyKey?: string; store?: string; key?: string } = {},
) => staff('POST', PATH, { movements }, options)
const onHand = async (item: string, store?: string) =>
  (await staff('GET', `/v1/admin/stock/${item}`, undefined, store ? { store } : {})).body.onHand
const statuses = ({ body }: { body: { items: { status: number }[] } }) =>
  body.items.map(({ status }) => status)

let mend = () => {}
afterEach(() => {
  mend()
  mend = () => {}
  testClock.reset()
})
beforeAll(async () => {
  await staff('PUT', '/v1/admin/locations/annex', { priority: 1 })
})

test('each movement has its verdict, in the order of the request', async () => {
  const answer = await batch([
    receive('V-A', 5),
    receive('V-B', 5, { location: 'nowhere' }),
    { item: 'V-C', type: 'adjust', location: 'main', quantity: -1, reason: 'lost' },
    { item: 'V-D', type: 'return', location: 'annex', quantity: 2, note: 'from the fair' },
    { item: 'V-E', type: 'count', location: 'main', quantity: 7 },
  ])
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Idempotency-Replayed')).toBeNull()
  expect(answer.body.items).toMatchObject([
    { item: 'V-A', status: 201, movement: { type: 'receive', quantity: 5 }, levels: { onHand: 5 } },
    { item: 'V-B', status: 404, problem: { code: 'location_not_found', status: 404 } },
    { item: 'V-C', status: 409, problem: { type: '/docs/errors#stock_conflict', onHand: 0 } },
    { item: 'V-D', status: 201, movement: { disposition: 'restock', note: 'from the fair' } },
    { item: 'V-E', status: 201, levels: { onHand: 7 } },
  ])
  expect(answer.body.items[1].problem.requestId).toBe(answer.headers.get('Request-Id'))
  expect((await staff('GET', '/v1/admin/stock/V-B')).status).toBe(404)
})

test('movements of one item happen in their order', async () => {
  const answer = await batch([
    receive('ORDER', 5),
    receive('ORDER-2', 1),
    { item: 'ORDER', type: 'adjust', location: 'main', quantity: -3, reason: 'damaged' },
    { item: 'ORDER', type: 'count', location: 'main', quantity: 9, expectedOnHand: 2 },
    { item: 'ORDER', type: 'count', location: 'main', quantity: 1, expectedOnHand: 2 },
  ])
  expect(statuses(answer)).toEqual([201, 201, 201, 201, 409])
  expect(await onHand('ORDER')).toBe(9)
})

test('as many as may be, each as long as may be, are taken; one more is not', async () => {
  const long = (i: number) => ({
    ...receive(`${i % 10}-`.padEnd(64, '商'), 1),
    lot: '批'.repeat(64),
    reference: '号'.repeat(100),
    note: '注'.repeat(500),
    expiresAt: '2099-01-01T00:00:00.000+00:00',
  })
  // As clients send it that write ASCII only: six bytes for each character.
  const ascii = (movements: object[]) =>
    JSON.stringify({ movements }).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)
  const send = (movements: object[]) =>
    call('POST', PATH, {
      key: ROOT_KEY,
      idempotencyKey: crypto.randomUUID(),
      rawBody: ascii(movements),
      headers: { 'Content-Type': 'application/json' },
    })
  const movements = Array.from({ length: BATCH_MAX }, (_, i) => long(i))
  expect(ascii(movements).length).toBeGreaterThan(1024 * 1024)
  const answer = await send(movements)
  expect(statuses(answer)).toEqual(movements.map(() => 201))
  expect(await send([...movements, long(BATCH_MAX)])).toMatchObject({
    status: 400,
    body: { code: 'malformed_request', errors: [{ path: '/movements' }] },
  })
})

test.each([
  ['', { movements: [] }],
  ['/movements/0/item', { movements: [{ type: 'receive', location: 'main', quantity: 1 }] }],
  ['/movements/1/quantity', { movements: [receive('BAD', 1), receive('BAD', 0)] }],
  ['/movements/0/reason', { movements: [{ item: 'BAD', type: 'adjust', location: 'main', quantity: 1 }] }],
  ['/movements/0/orderId', { movements: [{ ...receive('BAD', 1), type: 'return', orderId: 'x' }] }],
])('a malformed batch is 400 at %s, and nothing of it happens', async (path, body) => {
  const answer = await staff('POST', PATH, body)
  expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path || '/movements')
  expect((await staff('GET', '/v1/admin/stock/BAD')).status).toBe(404)
})

describe('repeated under its key', () => {
  test('it answers the same, refusals too, and moves nothing again', async () => {
    const movements = [
      receive('ONCE', 3),
      { item: 'ONCE-2', type: 'adjust', location: 'main', quantity: -1, reason: 'lost' },
      receive('ONCE-3', 1, { location: 'later' }),
      receive('ONCE', 4),
    ]
    const first = await batch(movements, { idempotencyKey: 'once' })
    expect(statuses(first)).toEqual([201, 409, 404, 201])
    // What would be answered otherwise now: the goods are there, and so is the location.
    await batch([receive('ONCE-2', 5)])
    await staff('PUT', '/v1/admin/locations/later', {})
    const second = await batch(movements, { idempotencyKey: 'once' })
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('Idempotency-Replayed')).toBe('true')
    expect(second.headers.get('Request-Id')).toBe(first.headers.get('Request-Id'))
    expect(await onHand('ONCE')).toBe(7)
    expect(statuses(await batch(movements))).toEqual([201, 201, 201, 201])
  })

  test('with another body it is refused before anything moves', async () => {
    await batch([receive('OTHER', 3)], { idempotencyKey: 'other' })
    for (const movements of [
      [receive('OTHER', 4)],
      [receive('NEW', 1)],
      [receive('OTHER', 3), receive('NEW', 1)],
    ]) {
      expect(await batch(movements, { idempotencyKey: 'other' })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      })
    }
    expect(await onHand('OTHER')).toBe(3)
    expect((await staff('GET', '/v1/admin/stock/NEW')).status).toBe(404)
  })

  test.each(['before', 'after'] as const)(
    'it finishes what was cut %s an item took it, each movement once and in order',
    async (when) => {
      const [a, b] = [`CUT-A-${when}`, `CUT-B-${when}`]
      const count = { item: b, type: 'count', location: 'main', quantity: 40, expectedOnHand: 4 }
      const movements = [receive(a, 3), receive(b, 4), count, receive(a, 5)]
      mend = breakStock([b], 'move', when)
      const cut = await batch(movements, { idempotencyKey: when })
      expect(statuses(cut)).toEqual([201, 503, 503, 201])
      expect(cut.body.items[1].problem.code).toBe('unavailable')
      expect(cut.headers.get('Retry-After')).toBe('1')
      expect(cut.headers.get('Idempotency-Replayed')).toBeNull()
      mend()
      const finished = await batch(movements, { idempotencyKey: when })
      expect(statuses(finished)).toEqual([201, 201, 201, 201])
      expect([await onHand(a), await onHand(b)]).toEqual([8, 40])
      const again = await batch(movements, { idempotencyKey: when })
      expect(again.body).toEqual(finished.body)
      expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    },
  )

  test('what stands behind a movement that was not answered has waited for it', async () => {
    const count = { item: 'WAIT', type: 'count', location: 'main', quantity: 9, expectedOnHand: 0 }
    let failures = 1
    mend = aroundStock(['WAIT'], 'move', (call) =>
      failures-- > 0 ? Promise.reject(new Error('Network connection lost: injected')) : call(),
    )
    const movements = [receive('WAIT', 4), count]
    expect(statuses(await batch(movements, { idempotencyKey: 'wait' }))).toEqual([503, 503])
    // Had the count not waited, it would have found nothing there and set 9.
    expect(statuses(await batch(movements, { idempotencyKey: 'wait' }))).toEqual([201, 409])
    expect(await onHand('WAIT')).toBe(4)
  })

  test('many times at once, each movement happens once', async () => {
    const movements = Array.from({ length: 20 }, (_, i) => receive(`RACE-${i % 5}`, 1))
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => batch(movements, { idempotencyKey: 'race' })),
    )
    for (const answer of answers) expect(answer.body).toEqual(answers[0]!.body)
    for (let i = 0; i < 5; i++) expect(await onHand(`RACE-${i}`)).toBe(4)
  })

  test('after its 7 days the key is free again, and what it left is forgotten with the next requests', async () => {
    await batch([receive('WEEK', 3)], { idempotencyKey: 'week' })
    testClock.advance(IDEMPOTENCY_KEPT_MS - 60_000)
    const replay = await batch([receive('WEEK', 3)], { idempotencyKey: 'week' })
    expect(replay.headers.get('Idempotency-Replayed')).toBe('true')
    testClock.advance(120_000)
    expect(statuses(await batch([receive('WEEK', 4)], { idempotencyKey: 'week' }))).toEqual([201])
    expect(await onHand('WEEK')).toBe(7)
    for (let i = 0; i < 3; i++) await batch([receive('WEEK', 1)])
    const old = await env.CATALOGUE.prepare('select count(*) as n from stock_requests where created_at < ?')
      .bind(Date.now() + 60_000)
      .first<number>('n')
    expect(old).toBe(0)
  })
})

test('the same key means another batch in another store and for another holder', async () => {
  await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
  const { body: holder } = await staff('POST', '/v1/admin/api-keys', { name: 'h', scopes: ['stock:write'] })
  const options = { idempotencyKey: 'shared' }
  expect(statuses(await batch([receive('SHARED', 1)], options))).toEqual([201])
  const there = await batch([receive('SHARED', 2)], { ...options, store: 'other' })
  const theirs = await batch([receive('SHARED', 4)], { ...options, key: holder.key })
  expect([...statuses(there), ...statuses(theirs)]).toEqual([201, 201])
  expect([await onHand('SHARED'), await onHand('SHARED', 'other')]).toEqual([5, 2])
  expect(theirs.body.items[0].movement.actor).toBe(holder.id)
})

test('while its records are down nothing moves', async () => {
  await batch([receive('DOWN', 1)])
  mend = breakDatabase('CATALOGUE')
  const answer = await batch([receive('DOWN', 1)], { idempotencyKey: 'down' })
  mend()
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(await onHand('DOWN')).toBe(1)
  expect(statuses(await batch([receive('DOWN', 1)], { idempotencyKey: 'down' }))).toEqual([201])
})

test('it takes a key and stock:write', async () => {
  const body = { movements: [receive('SCOPE', 1)] }
  expect(await call('POST', PATH, { key: ROOT_KEY, body })).toMatchObject({
    status: 400,
    body: { code: 'idempotency_key_missing' },
  })
  const { body: reader } = await staff('POST', '/v1/admin/api-keys', { name: 'r', scopes: ['stock:read'] })
  expect((await staff('POST', PATH, body, { key: reader.key })).status).toBe(403)
})
