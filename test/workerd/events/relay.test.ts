import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import type { EventType } from '../../../schema/event-types.ts'
import {
  type EventSource,
  type OutboxEvent,
  type Pulled,
  type SourceRef,
  sourceName,
} from '../../../schema/rpc/source.ts'
import { catalogueSource, recordEventStatements } from '../../../worker/events/outbox-store.ts'
import { type RelayParts, relay } from '../../../worker/events/relay.ts'
import { sourceOf } from '../../../worker/events/source-of.ts'
import { runCron } from '../../../worker/scheduled.ts'
import { until } from '../../support/api.ts'

const store = (slug: string) => ({ slug, jurisdiction: null, region: null })
const catalogueOf = (slug: string): SourceRef => ({ kind: 'catalogue', store: store(slug), key: '' })
const parts: RelayParts = {
  sourceOf,
  recordAvailability: async () => {},
  recordOrders: async () => {},
  pokeReaders: async () => {},
}

async function record(slug: string, subject: string, data: unknown = {}) {
  await env.CATALOGUE.batch(
    recordEventStatements(env, { store: slug, type: 'product.updated', subject, data, at: now() }),
  )
}

async function logOf(slug: string) {
  const { results } = await env.EVENTS.prepare(
    'select subject, sequence, data, id from events where store = ? order by position',
  )
    .bind(slug)
    .all<{ subject: string; sequence: number; data: string; id: string }>()
  return results
}

async function outboxOf(slug: string) {
  return (await catalogueSource(env, slug).pull(1000)).events
}

/** A source made of given events, to say what a real one never should. */
class FakeSource implements EventSource {
  confirmed = 0
  recorded: number | null = null
  readonly events: OutboxEvent[]
  readonly document: Pulled['document']
  constructor(events: OutboxEvent[], document: Pulled['document'] = null) {
    this.events = events
    this.document = document
  }
  async pull(limit: number) {
    const run = this.events.filter(({ outbox }) => outbox > this.confirmed)
    return { events: run.slice(0, limit), document: this.document, hasMore: run.length > limit }
  }
  async confirm(outbox: number, version: number | null) {
    this.confirmed = Math.max(this.confirmed, outbox)
    this.recorded = version
  }
}

function event(sequence: number, overrides: Partial<OutboxEvent> = {}): OutboxEvent {
  return {
    outbox: sequence,
    id: `evt_${sequence}_${crypto.randomUUID()}`,
    type: 'stock.received' as EventType,
    subject: 'item:A',
    sequence,
    occurredAt: 1,
    data: '{}',
    ...overrides,
  }
}

/** Relays named fake sources; the refs' keys are the names. */
async function relayFakes(
  slug: string,
  sources: Record<string, EventSource>,
  other: Partial<RelayParts> = {},
) {
  const refs = Object.keys(sources).map((key): SourceRef => ({ kind: 'stock', store: store(slug), key }))
  const verdicts = await relay(env, refs, {
    ...parts,
    sourceOf: (_env, ref) => sources[ref.key]!,
    ...other,
  })
  return Object.fromEntries(refs.map((ref) => [ref.key, verdicts.get(sourceName(ref))!.do]))
}

afterEach(() => testClock.reset())

describe('an event of a change', () => {
  test('is written with its change or not at all', async () => {
    const statements = recordEventStatements(env, {
      store: 'atomic',
      type: 'product.created',
      subject: 'product:a',
      data: {},
      at: now(),
    })
    const failing = env.CATALOGUE.prepare('insert into outbox (outbox) values (null)')
    await expect(env.CATALOGUE.batch([...statements, failing])).rejects.toThrow()
    expect(await outboxOf('atomic')).toEqual([])
  })

  test('waits its turn when the run before it is 4 MB already, and one that is larger alone still goes', async () => {
    const big = 'x'.repeat(1_500_000)
    for (const n of [1, 2, 3, 4]) await record('big', `product:${n}`, { big })
    const first = await catalogueSource(env, 'big').pull(100)
    expect(first.events.map(({ subject }) => subject)).toEqual(['product:1', 'product:2', 'product:3'])
    expect(first.hasMore).toBe(true)
    await catalogueSource(env, 'big').confirm(first.events.at(-1)!.outbox, null)
    const rest = await catalogueSource(env, 'big').pull(100)
    expect(rest).toMatchObject({ events: [{ subject: 'product:4' }], hasMore: false })
    expect((await catalogueSource(env, 'big').pull(0)).hasMore).toBe(true)
  })

  test('is not written when its guarded change did not happen', async () => {
    const guarded = (revision: number) =>
      recordEventStatements(env, {
        store: 'guarded',
        type: 'product.updated',
        subject: 'product:a',
        data: {},
        at: now(),
        onlyIf: { sql: 'select ? = ? and ? is not null', params: [revision, 7, 'x'] },
      })
    await env.CATALOGUE.batch(guarded(6))
    expect(await outboxOf('guarded')).toEqual([])
    await env.CATALOGUE.batch(guarded(7))
    expect((await outboxOf('guarded')).map(({ sequence }) => sequence)).toEqual([1])
  })

  test('counts within its subject and its store, also when the subject is long forgotten', async () => {
    await record('counting', 'product:a')
    await record('counting', 'product:b')
    await record('counting', 'product:a')
    await record('counting-2', 'product:a')
    await relay(env, [catalogueOf('counting'), catalogueOf('counting-2')], parts)
    expect(await outboxOf('counting')).toEqual([])
    await record('counting', 'product:a')
    const again = await outboxOf('counting')
    expect(again.map(({ subject, sequence }) => [subject, sequence])).toEqual([['product:a', 3]])
    await relay(env, [catalogueOf('counting')], parts)
    expect((await logOf('counting')).map(({ subject, sequence }) => `${subject}/${sequence}`)).toEqual([
      'product:a/1',
      'product:b/1',
      'product:a/2',
      'product:a/3',
    ])
  })
})

describe('the relay', () => {
  test('carries each event once, however often and from wherever it is nudged', async () => {
    for (let i = 1; i <= 30; i++) await record('repeats', `product:${i % 3}`, { i })
    const nudges = Array.from({ length: 4 }, () => relay(env, [catalogueOf('repeats')], parts))
    await Promise.all(nudges)
    await relay(env, [catalogueOf('repeats'), catalogueOf('repeats')], parts)
    const events = await logOf('repeats')
    expect(events).toHaveLength(30)
    for (const subject of ['product:0', 'product:1', 'product:2']) {
      const sequences = events.filter((e) => e.subject === subject).map((e) => e.sequence)
      expect(sequences).toEqual(Array.from({ length: 10 }, (_, i) => i + 1))
    }
    expect(await outboxOf('repeats')).toEqual([])
  })

  test('goes on until a long outbox is empty', async () => {
    const source = new FakeSource(Array.from({ length: 1_700 }, (_, i) => event(i + 1)))
    expect(await relayFakes('long', { source })).toEqual({ source: 'done' })
    expect(source.confirmed).toBe(1_700)
    expect((await logOf('long')).map(({ sequence }) => sequence)).toEqual(
      source.events.map((e) => e.sequence),
    )
  })

  test('carries events of several hundred kilobytes', async () => {
    const source = new FakeSource(
      [1, 2, 3, 4].map((n) => event(n, { data: `"${'é"'.replace('"', '')}${'x'.repeat(400_000)}"` })),
    )
    expect(await relayFakes('large', { source })).toEqual({ source: 'done' })
    expect((await logOf('large')).map(({ data }) => data.length)).toEqual([
      400_003, 400_003, 400_003, 400_003,
    ])
  })

  test('records the document before the event can be seen', async () => {
    const seen: number[] = []
    const document = { kind: 'availability', item: 'A', version: 1, document: {} } as Pulled['document']
    const source = new FakeSource([event(1)], document)
    await relayFakes(
      'before',
      { source },
      {
        recordAvailability: async () => void seen.push((await logOf('before')).length),
      },
    )
    expect(seen).toEqual([0])
    expect(await logOf('before')).toHaveLength(1)
    expect(source.recorded).toBe(1)
  })

  test('records and confirms a document that came without an event', async () => {
    const document = { kind: 'availability', item: 'A', version: 7, document: {} } as Pulled['document']
    const source = new FakeSource([], document)
    expect(await relayFakes('policy', { source })).toEqual({ source: 'done' })
    expect(source.recorded).toBe(7)
  })

  test('lets a record that is down hold back its own kind and nobody else', async () => {
    const order = { kind: 'order', orderId: 'ord_1', version: 1, document: {} } as Pulled['document']
    const stock = { kind: 'availability', item: 'A', version: 1, document: {} } as Pulled['document']
    const [a, b] = [
      new FakeSource([event(1, { subject: 'order:1' })], order),
      new FakeSource([event(1)], stock),
    ]
    const verdicts = await relayFakes(
      'orders-down',
      { a, b },
      {
        recordOrders: async () => {
          throw new Error('D1 ORDERS is down')
        },
      },
    )
    expect(verdicts).toEqual({ a: 'again', b: 'done' })
    expect([a.confirmed, b.confirmed]).toEqual([0, 1])
    expect((await logOf('orders-down')).map(({ subject }) => subject)).toEqual(['item:A'])
  })

  test('lets a document that no database takes hold back nobody else', async () => {
    const order = (orderId: string) =>
      ({ kind: 'order', orderId, version: 1, document: {} }) as Pulled['document']
    const source = (n: number) =>
      new FakeSource([event(1, { subject: `order:${n}` })], order(n === 1 ? 'ord_bad' : `ord_${n}`))
    const [a, bad, b] = [source(0), source(1), source(2)]
    const recordOrders: RelayParts['recordOrders'] = async (_env, documents) => {
      if (documents.some(({ document }) => document.orderId === 'ord_bad')) throw new Error('too big')
    }
    const verdicts = await relayFakes('bad-order', { a, bad, b }, { recordOrders })
    expect(verdicts).toEqual({ a: 'done', bad: 'again', b: 'done' })
    expect((await logOf('bad-order')).map(({ subject }) => subject)).toEqual(['order:0', 'order:2'])
  })

  test('lets an event that the log does not take hold back nobody else', async () => {
    const bad = new FakeSource([event(1, { subject: 'item:bad', data: 'x'.repeat(5_000_000) })])
    const [a, b] = ['item:1', 'item:2'].map((subject) => new FakeSource([event(1, { subject })]))
    const told: string[] = []
    const verdicts = await relayFakes(
      'bad-event',
      { a: a!, bad, b: b! },
      { pokeReaders: async (_env, events) => void told.push(...events.map(({ subject }) => subject)) },
    )
    expect(verdicts).toEqual({ a: 'done', bad: 'again', b: 'done' })
    expect((await logOf('bad-event')).map(({ subject }) => subject)).toEqual(['item:1', 'item:2'])
    expect(told).toEqual(['item:1', 'item:2'])
  })

  test('asks a database that is down no more than four times, however many sources wait', async () => {
    let asked = 0
    const sources = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `s${i}`,
        new FakeSource([event(1, { subject: `order:${i}` })], {
          kind: 'order',
          orderId: `ord_${i}`,
          version: 1,
          document: {},
        } as Pulled['document']),
      ]),
    )
    const verdicts = await relayFakes('all-down', sources, {
      recordOrders: async () => {
        asked += 1
        throw new Error('down')
      },
    })
    expect([new Set(Object.values(verdicts)), asked]).toEqual([new Set(['again']), 4])
  })

  test('lets a source that does not answer hold back nobody else', async () => {
    const dead: EventSource = {
      pull: async () => {
        throw new Error('unreachable')
      },
      confirm: async () => {},
    }
    const alive = new FakeSource([event(1)])
    expect(await relayFakes('dead', { dead, alive })).toEqual({ dead: 'again', alive: 'done' })
  })

  test('appends again without a trace when a confirmation was lost', async () => {
    const source = new FakeSource([event(1), event(2)])
    const forgetful: EventSource = {
      pull: (limit) => source.pull(limit),
      confirm: async () => {
        throw new Error('the line went dead')
      },
    }
    expect(await relayFakes('lost', { forgetful })).toEqual({ forgetful: 'again' })
    expect(await relayFakes('lost', { source })).toEqual({ source: 'done' })
    expect((await logOf('lost')).map(({ sequence }) => sequence)).toEqual([1, 2])
  })

  test('refuses a run with a gap in itself', async () => {
    const source = new FakeSource([event(1), event(3)])
    expect(await relayFakes('gap', { source })).toEqual({ source: 'park' })
    expect([await logOf('gap'), source.confirmed]).toEqual([[], 0])
  })

  test('refuses a run whose predecessor the log does not have', async () => {
    const [source, other] = [
      new FakeSource([event(5), event(6)]),
      new FakeSource([event(1, { subject: 'item:B' })]),
    ]
    expect(await relayFakes('hole', { source, other })).toEqual({ source: 'park', other: 'done' })
    expect((await logOf('hole')).map(({ subject }) => subject)).toEqual(['item:B'])
    expect(source.confirmed).toBe(0)
  })

  test('refuses a second history of a subject and says so', async () => {
    const first = event(1)
    await relayFakes('fork', { source: new FakeSource([first, event(2)]) })
    const forked = new FakeSource([first, event(2), event(3)])
    expect(await relayFakes('fork', { forked })).toEqual({ forked: 'park' })
    expect([(await logOf('fork')).length, forked.confirmed]).toEqual([2, 0])
    const parked = await env.EVENTS.prepare(
      'select kind, key, reason, times from parked_sources where store = ?',
    )
      .bind('fork')
      .first()
    expect(parked).toEqual({ kind: 'stock', key: 'forked', reason: 'the log says: conflict', times: 1 })
  })

  test.each([
    ['goes on where the other ends', 2],
    ['leaves a hole behind it', 1],
  ])(
    'refuses the whole of a second history that takes several statements, also where it %s',
    async (_, had) => {
      const data = `"${'x'.repeat(300_000)}"`
      const slug = `fork-large-${had}`
      const known = Array.from({ length: had }, (_, i) => event(i + 1))
      await relayFakes(slug, { source: new FakeSource(known) })
      const forked = new FakeSource([1, 2, 3, 4].map((n) => event(n, { data })))
      expect(await relayFakes(slug, { forked })).toEqual({ forked: 'park' })
      expect((await logOf(slug)).map(({ id }) => id)).toEqual(known.map(({ id }) => id))
    },
  )
})

describe('while the log is down', () => {
  beforeEach(async () => {
    await env.EVENTS.prepare('alter table events rename to events_away').run()
  })

  test('nothing is confirmed, and everything arrives in order once it is back', async () => {
    for (let i = 0; i < 5; i++) await record('away', 'product:a', { i })
    const down = await relay(env, [catalogueOf('away')], parts)
    expect([...down.values()].map((verdict) => verdict.do)).toEqual(['again'])
    expect(await outboxOf('away')).toHaveLength(5)
    await env.EVENTS.prepare('alter table events_away rename to events').run()
    await relay(env, [catalogueOf('away')], parts)
    expect((await logOf('away')).map(({ data }) => JSON.parse(data).i)).toEqual([0, 1, 2, 3, 4])
    expect(await outboxOf('away')).toEqual([])
  })
})

test('an event whose nudge was lost is found by cron', async () => {
  await record('lost-nudge', 'product:a')
  await runCron(env)
  testClock.advance(60_000)
  await runCron(env)
  await until(
    () => logOf('lost-nudge'),
    (events) => events.length === 1,
  )
})
