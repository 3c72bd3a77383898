import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { webhookEndpointOf } from '../../../durable-objects/webhook-endpoint/client.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { SCOPES } from '../../../schema/event-types.ts'
import type { Delivery } from '../../../schema/rpc/webhook-endpoint.ts'
import { appendEvents } from '../../../worker/events/log-store.ts'
import { until } from '../../support/api.ts'
import { newReceiver, type Received } from '../../support/receiver.ts'

afterEach(() => testClock.reset())

const HOUR = 3600 * 1000
const RUNS = 15

type Step =
  | { do: 'event'; subject: number }
  | { do: 'fail'; status: number; times: number; subject: number | null }
  | { do: 'wait'; minutes: number }
  | { do: 'poke' | 'crash' | 'pause' | 'resume' | 'redeliver' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('event' as const), subject: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      status: fc.constantFrom(500, 404, 301, 503),
      times: fc.integer({ min: 1, max: 4 }),
      subject: fc.option(fc.nat(2)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.constantFrom(0, 1, 10, 300) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('poke' as const, 'crash', 'pause', 'resume', 'redeliver') }),
  },
)

/** One endpoint, its receiver and its store's log. */
class World {
  static count = 0
  readonly store = { slug: `model-${World.count++}`, jurisdiction: null, region: null }
  readonly receiver = newReceiver()
  readonly sequences = [0, 0, 0]
  readonly id = `whe_${crypto.randomUUID()}`

  get object() {
    return webhookEndpointOf(env, this.store, this.id)
  }

  get stub() {
    return env.WEBHOOK_ENDPOINT.getByName(`${this.store.slug}/${this.id}`)
  }

  async begin() {
    const { id, store } = this
    const command = { id, store, url: this.receiver.url, types: ['*'], description: '', scopes: [...SCOPES] }
    await this.object.create({ ...command, from: 0, idempotency: null })
  }

  async take(one: Step): Promise<void> {
    if (one.do === 'event') await this.append(one.subject)
    else if (one.do === 'fail')
      await this.receiver.answerWith({
        status: one.status,
        times: one.times,
        ...(one.subject === null ? {} : { subject: `item:${one.subject}` }),
      })
    else if (one.do === 'wait') await this.wait(one.minutes * 60_000)
    else if (one.do === 'poke') await this.object.poke()
    else if (one.do === 'crash')
      await runInDurableObject(this.stub, (_, state) => state.abort('crash')).catch(() => undefined)
    else if (one.do === 'pause') await this.object.pause()
    else if (one.do === 'resume') await this.object.resume()
    else await this.object.redeliver({ eventIds: null, since: 0, state: 'delivered', idempotency: null })
  }

  async append(subject: number): Promise<void> {
    const sequence = ++this.sequences[subject]!
    const event = { id: `evt_${subject}_${sequence}`, subject: `item:${subject}`, sequence }
    const rest = { outbox: 1, type: 'stock.received' as const, occurredAt: now(), data: '{}' }
    await appendEvents(env, [{ ...event, ...rest, store: this.store.slug }])
  }

  async wait(ms: number): Promise<void> {
    testClock.advance(ms)
    await runDurableObjectAlarm(this.stub)
  }

  /** Better days: the receiver takes everything, nobody crashes, time passes. */
  async end(): Promise<{ received: Received[]; deliveries: Delivery[] }> {
    await this.receiver.answerWith()
    await this.object.resume()
    await until(
      async () => {
        await this.wait(30 * HOUR)
        await this.object.poke()
        return this.deliveries()
      },
      (all) =>
        all.length === this.sequences.reduce((a, b) => a + b, 0) &&
        all.every(({ state }) => state !== 'pending'),
    )
    return { received: await this.receiver.received(), deliveries: await this.deliveries() }
  }

  async deliveries(): Promise<Delivery[]> {
    const outcome = await this.object.deliveries({ state: null, before: null, limit: 1_000 })
    if (!outcome.ok) throw new Error(outcome.code)
    return outcome.deliveries
  }
}

test('whatever fails, every event is acknowledged or dead, and first taken in order within its subject', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const world = new World()
      await world.begin()
      for (const one of steps) await world.take(one)
      const { received, deliveries } = await world.end()
      const taken = received.filter(({ status }) => status === 200).map(({ event }) => event)
      for (const [subject, last] of world.sequences.entries()) {
        const firsts = [
          ...new Set(taken.filter((e) => e.subject === `item:${subject}`).map((e) => e.sequence)),
        ]
        const dead = deliveries.filter((d) => d.subject === `item:${subject}` && d.state === 'dead')
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b))
        expect(new Set([...firsts, ...dead.map(({ sequence }) => sequence)]).size).toBe(last)
      }
    }),
    { numRuns: RUNS },
  )
}, 60_000)
