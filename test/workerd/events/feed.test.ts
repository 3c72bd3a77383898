import { env, exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { now } from '../../../runtime/clock.ts'
import type { EventType } from '../../../schema/event-types.ts'
import { appendEvents, SCAN_MAX } from '../../../worker/events/log-store.ts'
import { call, ROOT_KEY, staff } from '../../support/api.ts'

const sequences = new Map<string, number>()

/** Puts an event into the log as the relay does. */
async function logged(store: string, type: EventType, subject: string, data: unknown = {}) {
  const sequence = (sequences.get(`${store}/${subject}`) ?? 0) + 1
  sequences.set(`${store}/${subject}`, sequence)
  const id = `evt_${crypto.randomUUID()}`
  const event = { outbox: 1, id, type, subject, sequence, occurredAt: now(), data: JSON.stringify(data) }
  expect(await appendEvents(env, [{ ...event, store }])).toEqual([])
  return id
}

async function read(query: string, options: { key?: string; store?: string } = {}) {
  return call('GET', `/v1/events?${query}`, { key: ROOT_KEY, ...options })
}

const subjects = (answer: { body: { items: { subject: string }[] } }) =>
  answer.body.items.map((e) => e.subject)

beforeAll(async () => {
  await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
  await logged('default', 'product.created', 'product:tee', { title: 'Tee' })
  await logged('other', 'product.created', 'product:foreign')
  await logged('default', 'stock.received', 'item:TEE')
  await logged('default', 'stock.reserved', 'item:TEE')
  await logged('default', 'order.placed', 'order:ord_1')
  await logged('default', 'stock.received', 'item:TEE-XL')
  await logged('default', 'order.paid', 'order:ord_1')
})

describe('the feed', () => {
  test('reads from the oldest, shows an event whole, and goes on where it stopped', async () => {
    const first = await read('limit=2')
    expect(first.status).toBe(200)
    expect(first.headers.get('Cache-Control')).toBe('no-store')
    expect(first.body.items[0]).toEqual({
      position: expect.any(Number),
      id: expect.stringMatching(/^evt_/),
      type: 'product.created',
      store: 'default',
      subject: 'product:tee',
      sequence: 1,
      occurredAt: expect.stringMatching(/Z$/),
      data: { title: 'Tee' },
    })
    expect(first.body.nextAfter).toBe(first.body.items[1].position)
    const rest = await read(`after=${first.body.nextAfter}`)
    expect(subjects(rest)).toEqual(['item:TEE', 'order:ord_1', 'item:TEE-XL', 'order:ord_1'])
    const end = await read(`after=${rest.body.nextAfter}`)
    expect(end.body).toEqual({ items: [], nextAfter: rest.body.nextAfter })
  })

  test.each([
    ['type=order.placed', ['order:ord_1']],
    ['type=order.*', ['order:ord_1', 'order:ord_1']],
    ['type=*&subject=*&limit=1', ['product:tee']],
    ['subject=item:TEE', ['item:TEE', 'item:TEE']],
    ['subject=item:*', ['item:TEE', 'item:TEE', 'item:TEE-XL']],
    ['subject=item:TEE&type=stock.reserved', ['item:TEE']],
    ['type=customer.*', []],
    ['type=order.unheard_of', []],
    ['subject=item:unknown', []],
    ['subject=item:A%25_', []],
  ])('%s shows %j', async (query, expected) => expect(subjects(await read(query))).toEqual(expected))

  test.each([
    'type=ord*',
    'type=*.placed',
    'type=order.*.x',
    'type=ORDER.*',
    'type=order..placed',
    'type=',
    'subject=item',
    'subject=item:TE*',
    'subject=it*',
    'subject=:x',
    'subject=item:%00',
    `subject=item:${'x'.repeat(300)}`,
    'limit=0',
    'limit=101',
    'after=-1',
    'after=1.5',
    'after=99999999999999999999',
    'after=x',
    'wait=31',
    'wait=-1',
    'wait=x',
  ])('%s is malformed', async (query) => {
    const { status, body } = await read(query)
    expect([status, body.code]).toEqual([400, 'malformed_request'])
    expect(body.errors[0].path).toBe(`/query/${query.split('=')[0]}`)
  })

  test('moves past what does not match, so that a filter never reads the same events twice', async () => {
    const none = await read('type=customer.*')
    const head = await read('limit=100')
    expect(none.body.nextAfter).toBe(head.body.nextAfter)
    const ofSubject = await read('subject=item:TEE')
    expect(ofSubject.body.nextAfter).toBeGreaterThanOrEqual(head.body.nextAfter)
  })

  test('shows nothing of another store', async () => {
    expect(subjects(await read('limit=100'))).not.toContain('product:foreign')
    expect(subjects(await read('limit=100', { store: 'other' }))).toEqual(['product:foreign'])
  })

  test('needs a key with events:read, and shows each key only what it may read', async () => {
    expect((await call('GET', '/v1/events')).status).toBe(401)
    const keyOf = async (...scopes: string[]) =>
      (await staff('POST', '/v1/admin/api-keys', { name: 'reader', scopes })).body.key as string
    expect((await read('', { key: await keyOf('stock:read') })).status).toBe(403)
    const stockOnly = await keyOf('events:read', 'stock:read')
    expect(subjects(await read('limit=100', { key: stockOnly }))).toEqual([
      'item:TEE',
      'item:TEE',
      'item:TEE-XL',
    ])
    expect(subjects(await read('type=order.*', { key: stockOnly }))).toEqual([])
    expect(subjects(await read('subject=order:ord_1', { key: stockOnly }))).toEqual([])
    expect((await read('', { key: stockOnly, store: 'other' })).status).toBe(401)
  })
})

describe('waiting', () => {
  test('ends as soon as something matches', async () => {
    const { nextAfter } = (await read('limit=100')).body
    const startedAt = Date.now()
    const waiting = read(`after=${nextAfter}&type=payment.*&wait=10`)
    await logged('default', 'stock.received', 'item:NOISE')
    await logged('default', 'payment.failed', 'order:ord_2')
    expect(subjects(await waiting)).toEqual(['order:ord_2'])
    expect(Date.now() - startedAt).toBeLessThan(3_000)
  })

  test('ends with nothing when the time is up, and has moved on', async () => {
    const { nextAfter } = (await read('limit=100')).body
    const waiting = read(`after=${nextAfter}&type=customer.*&wait=1`)
    await logged('default', 'stock.received', 'item:NOISE')
    const { items, nextAfter: moved } = (await waiting).body
    expect([items, moved > nextAfter]).toEqual([[], true])
  })
})

test('one request looks at a bounded part of the log, and the next one goes on', async () => {
  const events = Array.from({ length: SCAN_MAX + 50 }, (_, i) => ({
    outbox: i + 1,
    id: `evt_long_${i}`,
    type: 'stock.received' as EventType,
    subject: 'item:LONG',
    sequence: i + 1,
    occurredAt: 1,
    data: '{}',
    store: 'long',
  }))
  await staff('PUT', '/v1/admin/stores/long', { name: 'Long' })
  await appendEvents(env, events)
  await logged('long', 'order.placed', 'order:ord_9')
  const first = await read('type=order.*', { store: 'long' })
  expect(first.body.items).toEqual([])
  const second = await read(`type=order.*&after=${first.body.nextAfter}`, { store: 'long' })
  expect(subjects(second)).toEqual(['order:ord_9'])
  // One subject has its own index: no scan.
  expect(subjects(await read('subject=order:ord_9', { store: 'long' }))).toEqual(['order:ord_9'])
})

describe('the stream', () => {
  async function open(query: string, headers: Record<string, string> = {}) {
    const response = await exports.default.fetch(`http://localhost/v1/events/stream?${query}`, {
      headers: { Authorization: `Bearer ${ROOT_KEY}`, ...headers },
    })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    return {
      response,
      async readUntil(needle: string) {
        while (!text.includes(needle)) text += (await reader.read()).value ?? ''
        return text
      },
      async readToEnd() {
        for (;;) {
          const { value, done } = await reader.read()
          if (done) return text
          text += value
        }
      },
      close: () => reader.cancel(),
    }
  }

  test('sends what there is, then what comes', async () => {
    const { nextAfter } = (await read('limit=100')).body
    const stream = await open(`after=${nextAfter}&type=payment.*`)
    expect(stream.response.headers.get('Content-Type')).toContain('text/event-stream')
    await stream.readUntil('retry: 1000')
    await logged('default', 'payment.reversed', 'order:ord_3', { n: 1 })
    const text = await stream.readUntil('ord_3')
    expect(text).toMatch(/event: payment\.reversed\ndata: \{.*"n":1.*\}\nid: \d+\n\n/)
    await stream.close()
  })

  test('resumes after Last-Event-ID', async () => {
    const { items } = (await read('type=order.*')).body
    const stream = await open('type=order.*', { 'Last-Event-ID': String(items[0].position) })
    const text = await stream.readUntil(`id: ${items[1].position}\n`)
    expect(text).not.toContain(items[0].id)
    await stream.close()
  })

  test('ends when its key is deleted, before it tells what comes then', async () => {
    const partner = { name: 'partner', scopes: ['events:read', 'orders:read'] }
    const { id, key } = (await staff('POST', '/v1/admin/api-keys', partner)).body
    const { nextAfter } = (await read('limit=100')).body
    const stream = await open(`after=${nextAfter}`, { Authorization: `Bearer ${key}` })
    await logged('default', 'order.placed', 'order:ord_before')
    await stream.readUntil('ord_before')
    await staff('DELETE', `/v1/admin/api-keys/${id}`)
    await logged('default', 'order.placed', 'order:ord_after')
    expect(await stream.readToEnd()).not.toContain('ord_after')
  })

  test('is refused like the feed', async () => {
    expect((await call('GET', '/v1/events/stream')).status).toBe(401)
    const malformed = await call('GET', '/v1/events/stream?type=ord*', { key: ROOT_KEY })
    expect(malformed.status).toBe(400)
    const badId = await call('GET', '/v1/events/stream', { key: ROOT_KEY, headers: { 'Last-Event-ID': 'x' } })
    expect(badId.status).toBe(400)
  })
})
