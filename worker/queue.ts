import { cachePurgerOf } from '../durable-objects/cache-purger/client.ts'
import { errorText, log } from '../runtime/log.ts'
import type { Nudge, SourceRef } from '../schema/rpc/source.ts'
import { type RelayParts, relay } from './events/relay.ts'
import { sourceName, sourceOf } from './events/source-of.ts'
import { applyVerdict, DONE } from './events/verdict.ts'
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

/** Queue `events`: each message wakes one source; each is acknowledged or retried by its source's own verdict. */
export async function consumeNudges(batch: MessageBatch<Nudge>, env: Env): Promise<void> {
  const nudges = batch.messages.filter(({ body }) => isNudge(body))
  const verdicts = await relay(
    env,
    nudges.map(({ body }) => body.source),
    relayParts,
  )
  for (const message of batch.messages) {
    const verdict = isNudge(message.body) ? verdicts.get(sourceName(message.body.source)) : undefined
    applyVerdict(message, verdict ?? DONE)
  }
}

export async function pokePurger(env: Env): Promise<void> {
  try {
    await cachePurgerOf(env).poke()
  } catch (error) {
    log('warn', 'the purger was not woken; cron wakes it', { error: errorText(error) })
  }
}

/** Another version's message that this one does not know is dropped: the source's alarm nudges again. */
function isNudge(body: unknown): body is Nudge {
  const source = (body as Nudge | null)?.source as SourceRef | undefined
  return (
    typeof source?.store?.slug === 'string' &&
    typeof source.key === 'string' &&
    ['stock', 'purchase', 'webhook-endpoint', 'catalogue'].includes(source.kind)
  )
}
