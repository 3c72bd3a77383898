import { cachePurgerOf } from '../durable-objects/cache-purger/client.ts'
import { errorText, log } from '../runtime/log.ts'
import { type Nudge, type SourceRef, sourceName } from '../schema/rpc/source.ts'
import { type RelayParts, relay } from './events/relay.ts'
import { sourceOf } from './events/source-of.ts'
import { applyVerdict, DONE, type Verdict, worstOf } from './events/verdict.ts'
import { recordOrders } from './orders/store.ts'
import { recordAvailability } from './stock/store.ts'
import { pokeMatching } from './webhooks/poke-endpoints.ts'

/** The relay with the rooms that record and the readers that follow the log. */
export const relayParts: RelayParts = {
  sourceOf,
  recordAvailability,
  recordOrders,
  async pokeReaders(env, appended) {
    await Promise.all([pokeMatching(env, appended), pokePurger(env)])
  },
}

/** So many sources at once are some megabytes of events in an isolate's 128 MB; the others of the batch come after them. */
const SOURCES_AT_ONCE_MAX = 100

/** Queue `events`: each message wakes some sources; it is acknowledged or retried by the worst of their verdicts. */
export async function consumeNudges(batch: MessageBatch<Nudge>, env: Env): Promise<void> {
  const woken = new Map<string, SourceRef>()
  for (const { body } of batch.messages) for (const ref of sourcesOf(body)) woken.set(sourceName(ref), ref)
  const refs = [...woken.values()]
  const verdicts = new Map<string, Verdict>()
  for (let first = 0; first < refs.length; first += SOURCES_AT_ONCE_MAX) {
    const some = await relay(env, refs.slice(first, first + SOURCES_AT_ONCE_MAX), relayParts)
    for (const [name, verdict] of some) verdicts.set(name, verdict)
  }
  for (const message of batch.messages) {
    const its = sourcesOf(message.body).map((ref) => verdicts.get(sourceName(ref)) ?? DONE)
    applyVerdict(message, worstOf(its))
  }
}

export async function pokePurger(env: Env): Promise<void> {
  try {
    await cachePurgerOf(env).poke()
  } catch (error) {
    log('warn', 'the purger was not woken; cron wakes it', { error: errorText(error) })
  }
}

/** What another version sent and this one does not know is dropped: the source's alarm nudges again. */
function sourcesOf(body: unknown): SourceRef[] {
  const sources = (body as Nudge | null)?.sources
  return Array.isArray(sources) ? sources.filter(isSource) : []
}

function isSource(source: SourceRef | null): source is SourceRef {
  return (
    typeof source?.store?.slug === 'string' &&
    typeof source.key === 'string' &&
    ['stock', 'purchase', 'webhook-endpoint', 'catalogue'].includes(source.kind)
  )
}
