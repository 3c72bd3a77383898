import type { Nudge } from '../schema/rpc/source.ts'
import { app } from './app.ts'
import { consumeNudges } from './queue.ts'
import { runCron } from './scheduled.ts'

export { CachePurger } from '../durable-objects/cache-purger/cache-purger.ts'
export { Purchase } from '../durable-objects/purchase/purchase.ts'
export { Quota } from '../durable-objects/quota/quota.ts'
export { Stock } from '../durable-objects/stock/stock.ts'
export { WebhookEndpoint } from '../durable-objects/webhook-endpoint/webhook-endpoint.ts'
export { Background } from './background.ts'
export { Catalogue } from './catalogue/catalogue-entrypoint.ts'

export default {
  fetch: app.fetch,
  queue: consumeNudges,
  scheduled: (_controller, env) => runCron(env),
} satisfies ExportedHandler<Env, Nudge>
