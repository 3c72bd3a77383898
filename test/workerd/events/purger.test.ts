import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { cachePurgerOf } from '../../../durable-objects/cache-purger/client.ts'
import { appendEvents, headOfLog } from '../../../worker/events/log-store.ts'

const stub = () => env.CACHE_PURGER.getByName('deployment')
const cursor = () => runInDurableObject(stub(), (_, state) => state.storage.kv.get<number>('cursor') ?? 0)

test('the purger follows the log once woken, and goes on from its cursor', async () => {
  const event = {
    outbox: 1,
    type: 'product.updated' as const,
    subject: 'product:a',
    occurredAt: 1,
    data: '{}',
  }
  for (const sequence of [1, 2]) {
    await appendEvents(env, [{ ...event, id: `evt_p${sequence}`, sequence, store: 'default' }])
    await cachePurgerOf(env).poke()
    await runDurableObjectAlarm(stub())
    expect(await cursor()).toBe(await headOfLog(env))
  }
})

test('a log that does not answer is asked again by the alarm', async () => {
  await env.EVENTS.prepare('alter table events rename to events_away').run()
  await cachePurgerOf(env).poke()
  await runDurableObjectAlarm(stub())
  expect(await runInDurableObject(stub(), (_, state) => state.storage.getAlarm())).not.toBeNull()
  await env.EVENTS.prepare('alter table events_away rename to events').run()
})
