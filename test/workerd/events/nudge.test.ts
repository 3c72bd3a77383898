import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { nudgeCatalogue } from '../../../worker/events/outbox-store.ts'

const store = { slug: 'busy', jurisdiction: null, region: null }

afterEach(() => {
  vi.restoreAllMocks()
  testClock.reset()
})

/** Counts what is sent and delivers nothing. */
function countSends() {
  return vi.spyOn(env.EVENTS_QUEUE, 'send').mockResolvedValue({} as never)
}

test('changes of the same moment share one nudge, and the next change gets one of its own', async () => {
  const send = countSends()
  const work: Promise<unknown>[] = []
  const ctx = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
  for (let i = 0; i < 50; i++) nudgeCatalogue(env, ctx, store)
  await Promise.all(work)
  expect(send).toHaveBeenCalledTimes(1)
  nudgeCatalogue(env, ctx, store)
  await Promise.all(work)
  expect(send).toHaveBeenCalledTimes(2)
})

test('a nudge that died with its request silences nobody for long', async () => {
  const send = countSends()
  const dead = { waitUntil: (promise: Promise<unknown>) => void promise.catch(() => {}) }
  vi.spyOn(scheduler, 'wait').mockReturnValueOnce(new Promise(() => {}))
  nudgeCatalogue(env, dead, store)
  testClock.advance(1_001)
  const work: Promise<unknown>[] = []
  nudgeCatalogue(env, { waitUntil: (promise) => void work.push(promise) }, store)
  await Promise.all(work)
  expect(send).toHaveBeenCalledTimes(1)
})
