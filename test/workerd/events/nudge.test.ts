import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { NUDGE_SOURCES_MAX, type Nudge, type SourceRef } from '../../../schema/rpc/source.ts'
import { nudgeCatalogue, recordEventStatements } from '../../../worker/events/outbox-store.ts'
import { DONE, worstOf } from '../../../worker/events/verdict.ts'
import { consumeNudges } from '../../../worker/queue.ts'
import { breakDatabase } from '../../support/faults.ts'

const store = (slug: string) => ({ slug, jurisdiction: null, region: null })
const catalogueOf = (slug: string): SourceRef => ({ kind: 'catalogue', store: store(slug), key: '' })

afterEach(() => vi.restoreAllMocks())

async function consume(bodies: unknown[]) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: 1, attempts: 1, body: body as Nudge }))
  const batch = createMessageBatch<Nudge>('events', messages)
  await consumeNudges(batch, env)
  return getQueueResult(batch, createExecutionContext())
}

test('changes of the same moment share one message, and each store is named in it once', async () => {
  const send = vi.spyOn(env.EVENTS_QUEUE, 'send').mockResolvedValue({} as never)
  const work: Promise<unknown>[] = []
  const ctx = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
  for (let i = 0; i < 50; i++) nudgeCatalogue(env, ctx, store(i % 2 ? 'a' : 'b'))
  await Promise.all(work)
  expect(send.mock.calls).toEqual([[{ sources: [catalogueOf('b'), catalogueOf('a')] }]])
})

test('a message of more sources than are taken at once leaves none out', async () => {
  const slugs = Array.from({ length: NUDGE_SOURCES_MAX + 20 }, (_, i) => `many-${i}`)
  const statements = slugs.flatMap((slug) =>
    recordEventStatements(env, {
      store: slug,
      type: 'product.created',
      subject: 'product:p',
      data: {},
      at: 1,
    }),
  )
  await env.CATALOGUE.batch(statements)
  const result = await consume([{ sources: slugs.map(catalogueOf) }])
  expect(result.explicitAcks).toEqual(['m0'])
  const logged = await env.EVENTS.prepare("select count(*) as n from events where store like 'many-%'").first(
    'n',
  )
  expect(logged).toBe(slugs.length)
})

test('a message is asked again when one of its sources must be; the others are done', async () => {
  expect(worstOf([DONE, { do: 'park', reason: 'fork' }, { do: 'again', reason: 'weather' }]).do).toBe('again')
  expect(worstOf([DONE, { do: 'park', reason: 'fork' }]).do).toBe('park')
  expect(worstOf([])).toEqual(DONE)
  const mend = breakDatabase('CATALOGUE')
  const result = await consume([{ sources: [catalogueOf('down')] }, { sources: [] }])
  mend()
  expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(['m0'])
  expect(result.explicitAcks).toEqual(['m1'])
})

test('what is no nudge is dropped and harms nothing', async () => {
  const result = await consume([
    null,
    7,
    'x',
    {},
    { sources: 'x' },
    { sources: [null, {}, { kind: 'other' }] },
  ])
  expect(result.explicitAcks).toHaveLength(6)
})
