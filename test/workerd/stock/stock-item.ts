import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import type { Stock } from '../../../durable-objects/stock/stock.ts'
import { now } from '../../../runtime/clock.ts'
import type {
  ArrivalCommand,
  DispatchCommand,
  GoodsCommand,
  Movement,
  PositionSafety,
  ReceiptCommand,
  StockPolicy,
  StockRpc,
} from '../../../schema/rpc/stock.ts'
import type { StoreRef } from '../../../schema/store-ref.ts'

export const STORE: StoreRef = { slug: 'default', jurisdiction: null, region: null }
export const HOLD_MS = 15 * 60 * 1000
const THRESHOLD = 2

let made = 0

/** One Stock object of its own, with commands that name only what a test is about. */
export class StockItem {
  readonly item: string
  readonly rpc: StockRpc
  readonly stub: DurableObjectStub<Stock>
  #versions = 0

  constructor(item = `ITEM-${++made}-${crypto.randomUUID().slice(0, 8)}`) {
    this.item = item
    this.rpc = stockOf(env, STORE, item)
    this.stub = env.STOCK.get(env.STOCK.idFromName(`${STORE.slug}/${item}`))
  }

  reserve(purchaseId: string, quantity: number, options: { version?: number; expiresAt?: number } = {}) {
    const version = options.version ?? ++this.#versions
    const expiresAt = options.expiresAt ?? now() + HOLD_MS
    return this.rpc.reserve({
      store: STORE,
      purchaseId,
      version,
      quantity,
      expiresAt,
      lowStockThreshold: THRESHOLD,
    })
  }

  release(purchaseId: string, version = ++this.#versions) {
    return this.rpc.release({ store: STORE, purchaseId, version })
  }

  allocate(purchaseId: string, quantity: number, orderId = `ord_${purchaseId}`) {
    return this.rpc.allocate({ store: STORE, purchaseId, orderId, quantity })
  }

  deallocate(purchaseId: string, quantity: number, commandId: string = crypto.randomUUID()) {
    return this.rpc.deallocate({
      store: STORE,
      purchaseId,
      orderId: `ord_${purchaseId}`,
      commandId,
      quantity,
    })
  }

  move(command: Partial<GoodsCommand> & Pick<GoodsCommand, 'type' | 'quantity'>) {
    return this.rpc.move({
      store: STORE,
      location: 'main',
      locationPriority: 0,
      lot: '',
      expiresAt: null,
      reason: command.type === 'adjust' ? 'correction' : null,
      reference: null,
      note: null,
      expectedOnHand: null,
      orderId: null,
      disposition: command.type === 'return' ? 'restock' : null,
      actor: 'root',
      lowStockThreshold: THRESHOLD,
      idempotency: { key: crypto.randomUUID(), fingerprint: 'same' },
      ...command,
    })
  }

  receive(quantity: number, command: Partial<GoodsCommand> = {}) {
    return this.move({ type: 'receive', quantity, ...command })
  }

  policy(policy: Partial<StockPolicy>, positions: PositionSafety[] = []) {
    return this.rpc.setPolicy({
      store: STORE,
      policy: {
        safetyStock: 0,
        backorderLimit: 0,
        availableOn: null,
        lowStockThreshold: null,
        saleStartsAt: null,
        saleEndsAt: null,
        ...policy,
      },
      positions,
      lowStockThreshold: THRESHOLD,
    })
  }

  fulfill(purchaseId: string, quantity: number, options: { location?: string; commandId?: string } = {}) {
    return this.rpc.fulfill({
      store: STORE,
      purchaseId,
      orderId: `ord_${purchaseId}`,
      commandId: options.commandId ?? crypto.randomUUID(),
      quantity,
      location: options.location ?? null,
      lowStockThreshold: THRESHOLD,
    })
  }

  dispatch(quantity: number, command: Partial<DispatchCommand> = {}) {
    return this.rpc.move({
      ...this.#byStaff(),
      type: 'dispatch',
      transferId: 'trf_1',
      location: 'main',
      lot: '',
      destination: 'annex',
      quantity,
      expectedAt: null,
      ...command,
    })
  }

  receipt(quantity: number, command: Partial<ReceiptCommand> = {}) {
    return this.rpc.move({
      ...this.#byStaff(),
      type: 'receipt',
      transferId: 'trf_1',
      locationPriority: 1,
      quantity,
      missing: 0,
      ...command,
    })
  }

  expect(quantity: number, arrival: Partial<ArrivalCommand> = {}) {
    return this.rpc.setArrival({
      store: STORE,
      reference: 'PO-1',
      location: 'main',
      lot: '',
      quantity,
      expectedAt: null,
      lowStockThreshold: THRESHOLD,
      ...arrival,
    })
  }

  #byStaff() {
    return {
      store: STORE,
      reference: null,
      note: null,
      actor: 'root',
      lowStockThreshold: THRESHOLD,
      idempotency: { key: crypto.randomUUID(), fingerprint: 'same' },
    }
  }

  /** On hand, reserved, allocated, available. */
  async counts(): Promise<[number, number, number, number]> {
    const found = await this.rpc.levels()
    if (!found) return [0, 0, 0, 0]
    const { onHand, reserved, allocated, available } = found.levels
    return [onHand, reserved, allocated, available]
  }

  /** The whole ledger, oldest first. */
  async ledger(): Promise<Movement[]> {
    const rows: Movement[] = []
    for (let before: number | null = null; ; before = rows.at(-1)!.sequence) {
      const { movements: page } = await this.rpc.movements({ before, limit: 100 })
      rows.push(...page)
      if (page.length < 100) return rows.reverse()
    }
  }

  /** Rows that `work` writes, as billed. */
  async rowsWritten(work: () => Promise<unknown>): Promise<number> {
    const counted = () => runInDurableObject(this.stub, (stock: Stock) => stock.rowsWritten)
    const before = await counted()
    await work()
    return (await counted()) - before
  }

  tables(): Promise<string[]> {
    return runInDurableObject(this.stub, (_, state) =>
      state.storage.sql
        .exec<{ name: string }>(
          `select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'`,
        )
        .toArray()
        .map(({ name }) => name),
    )
  }
}

/** Keeps the relay out, so that a test sees the outbox as the object left it. */
export function silenceQueue(): { sent: unknown[]; fail(isFailing: boolean): void } {
  const sent: unknown[] = []
  let isFailing = false
  const send = async (message: unknown) => {
    if (isFailing) throw new Error('queue is down')
    sent.push(message)
  }
  Object.defineProperty(env.EVENTS_QUEUE, 'send', { value: send, configurable: true })
  return { sent, fail: (failing) => (isFailing = failing) }
}
