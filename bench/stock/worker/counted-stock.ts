import { Stock } from '../../../durable-objects/stock/stock.ts'
import { newCart } from '../../../schema/ids.ts'
import type { StoreRef } from '../../../schema/store-ref.ts'
import type { Cost, Growth } from '../cost.ts'
import { growHistory, rowsOf } from './history.ts'
import { Meter } from './meter.ts'

const HOLD_MS = 900_000
const LOW_STOCK_THRESHOLD = 5

/** The Stock object with a meter on its SQL, and with a history that it did not live through. */
export class CountedStock extends Stock {
  readonly #store: StoreRef = { slug: 'default', jurisdiction: null, region: null }
  readonly #meter: Meter

  constructor(ctx: DurableObjectState, env: Env) {
    const meter = new Meter(ctx.storage.sql)
    super(ctx, env)
    this.#meter = meter
  }

  async grow(history: number): Promise<void> {
    const purchaseId = await this.#hold()
    await this.release({ store: this.#store, purchaseId, version: 2 })
    await growHistory(this.ctx.storage, purchaseId, history)
  }

  /** What the object remembers is no longer what its tables say. Ends the call with an error. */
  async restart(): Promise<void> {
    this.ctx.abort('its history was written behind its back')
  }

  async counted(): Promise<Growth> {
    const waking = await this.#costOf(() => this.#hold())
    const next = await this.#costOf(() => this.#hold())
    const { sql } = this.ctx.storage
    return { reservations: rowsOf(sql, 'reservation'), movements: rowsOf(sql, 'movement'), waking, next }
  }

  async #hold(): Promise<string> {
    const at = Date.now()
    const { purchaseId } = newCart(at)
    const outcome = await this.reserve({
      store: this.#store,
      purchaseId,
      version: 1,
      quantity: 1,
      expiresAt: at + HOLD_MS,
      lowStockThreshold: LOW_STOCK_THRESHOLD,
    })
    if (!outcome.ok) throw new Error(`refused: ${outcome.code}`)
    return purchaseId
  }

  async #costOf(work: () => Promise<unknown>): Promise<Cost> {
    this.#meter.take()
    await work()
    return this.#meter.take()
  }
}
