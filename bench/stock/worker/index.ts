import { stockOf } from '../../../durable-objects/stock/client.ts'
import type { Outcome } from '../../../schema/outcome.ts'
import type { StockRpc } from '../../../schema/rpc/stock.ts'
import type { StoreRef } from '../../../schema/store-ref.ts'
import type { CountedStock } from './counted-stock.ts'
import type { Floor } from './floor.ts'

export { Stock } from '../../../durable-objects/stock/stock.ts'
export { CountedStock } from './counted-stock.ts'
export { Floor } from './floor.ts'

type BenchEnv = Env & {
  FLOOR: DurableObjectNamespace<Floor>
  COUNTED: DurableObjectNamespace<CountedStock>
}
type Route = (env: BenchEnv, request: Request, item: string, query: URLSearchParams) => Promise<Response>

const STORE: StoreRef = { slug: 'default', jurisdiction: null, region: null }
/** A store's default, api.md: holds of a run never end in it. */
const HOLD_MS = 900_000
const LOW_STOCK_THRESHOLD = 5
/** As the relay pulls (worker/events/relay.ts). */
const PULL_LIMIT = 500

/** The thinnest way from a socket to the objects, the same for all of them. */
const ROUTES: Record<string, Route> = {
  floor: async (env, _, item, query) => verdict(await floorOf(env, item).take(query.get('purchase')!, 1)),

  reserve: async (env, _, item, query) =>
    verdict(
      await stockOf(env, STORE, item).reserve({
        store: STORE,
        purchaseId: query.get('purchase')!,
        version: 1,
        quantity: 1,
        expiresAt: Date.now() + HOLD_MS,
        lowStockThreshold: LOW_STOCK_THRESHOLD,
      }),
    ),

  allocate: async (env, _, item, query) => {
    const purchaseId = query.get('purchase')!
    const command = { store: STORE, purchaseId, orderId: `ord_${purchaseId}`, quantity: 1 }
    return verdict(await stockOf(env, STORE, item).allocate(command))
  },

  /** Puts goods on both shelves. */
  open: async (env, _, item, query) => {
    const quantity = Number(query.get('units'))
    await floorOf(env, item).receive(quantity)
    return verdict(await receive(stockOf(env, STORE, item), quantity))
  },

  /** What the relay asks of the objects named in the body; the log and the record are not here. */
  relay: async (env, request) => {
    const items = (await request.json()) as string[]
    await Promise.all(items.map((item) => drain(stockOf(env, STORE, item))))
    return verdict(true)
  },

  growth: async (env, _, item, query) => {
    const stock = env.COUNTED.get(env.COUNTED.idFromName(`${STORE.slug}/${item}`))
    const asStock = stock as unknown as StockRpc
    switch (query.get('step')) {
      case 'open':
        return verdict(await receive(asStock, Number(query.get('units'))))
      case 'grow':
        await stock.grow(Number(query.get('history')))
        return verdict(true)
      case 'drain':
        await drain(asStock)
        return verdict(true)
      case 'restart':
        await stock.restart().catch(() => undefined)
        return verdict(true)
      default:
        return Response.json(await stock.counted())
    }
  },
}

export default {
  async fetch(request: Request, env: BenchEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, route = '', item = ''] = pathname.split('/')
    return (await ROUTES[route]?.(env, request, item, searchParams)) ?? new Response(null, { status: 404 })
  },
}

function floorOf(env: BenchEnv, item: string): DurableObjectStub<Floor> {
  return env.FLOOR.get(env.FLOOR.idFromName(`${STORE.slug}/${item}`))
}

function verdict(outcome: boolean | Outcome<object>): Response {
  const isGranted = outcome === true || (outcome !== false && outcome.ok)
  return isGranted ? new Response('ok') : Response.json(outcome, { status: 409 })
}

function receive(stock: StockRpc, quantity: number): Promise<Outcome<object>> {
  return stock.move({
    store: STORE,
    type: 'receive',
    location: 'main',
    locationPriority: 0,
    lot: '',
    expiresAt: null,
    quantity,
    reason: null,
    reference: null,
    note: null,
    expectedOnHand: null,
    orderId: null,
    disposition: null,
    actor: 'bench',
    lowStockThreshold: LOW_STOCK_THRESHOLD,
    idempotency: { key: crypto.randomUUID(), fingerprint: 'bench' },
  })
}

async function drain(stock: StockRpc): Promise<void> {
  for (let hasMore = true; hasMore; ) {
    const pulled = await stock.pull(PULL_LIMIT)
    const outbox = pulled.events.at(-1)?.outbox ?? 0
    if (outbox > 0 || pulled.document) await stock.confirm(outbox, pulled.document?.version ?? null)
    hasMore = pulled.hasMore
  }
}
