import { errorText, log } from '../../runtime/log.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import { orderId } from '../../schema/ids.ts'
import { stockOf } from '../stock/client.ts'
import type { PurchaseState, StockEffect } from './state.ts'
import type { StockAnswer } from './stock-effects.ts'
import { CALLS_AT_ONCE } from './stock-holds.ts'

/** The calls to Stock about goods of an order that leave the house or come back; the weather of those calls is known here. */
export class StockGoods {
  readonly #env: Env

  constructor(env: Env) {
    this.#env = env
  }

  /** Items that could not ship so many units from there now, with what they could; null: not all of them answered. */
  async look(
    { settings, purchaseId }: PurchaseState,
    goods: ReadonlyMap<string, number>,
    location: string | null,
  ): Promise<{ item: string; requested: number; onHand: number }[] | null> {
    const query = { purchaseId, orderId: orderId(purchaseId), location }
    try {
      const seen = await runBounded([...goods], CALLS_AT_ONCE, async ([item, requested]) => {
        const onHand = await stockOf(this.#env, settings.store, item).shippable(query)
        return { item, requested, onHand }
      })
      return seen.filter(({ requested, onHand }) => onHand < requested)
    } catch (error) {
      log('warn', 'stock not reached', { store: settings.store.slug, purchaseId, error: errorText(error) })
      return null
    }
  }

  /** Tells the items, each command once however often it is told. */
  tell(state: PurchaseState, effects: readonly StockEffect[]): Promise<StockAnswer[]> {
    return runBounded(effects, CALLS_AT_ONCE, (effect) => this.#tell(state, effect))
  }

  async #tell(state: PurchaseState, effect: StockEffect): Promise<StockAnswer> {
    const { purchaseId, settings } = state
    const about = { store: settings.store.slug, purchaseId, effect: effect.id }
    try {
      const outcome = await this.#ask(state, effect)
      if (!outcome.ok) log('warn', 'an item refuses what has happened', { ...about, code: outcome.code })
      return outcome.ok ? { taken: 'taken' in outcome ? outcome.taken : [] } : 'refused'
    } catch (error) {
      log('warn', 'stock not reached', { ...about, error: errorText(error) })
      return 'weather'
    }
  }

  #ask({ purchaseId, settings: { store, lowStockThreshold } }: PurchaseState, effect: StockEffect) {
    const stock = stockOf(this.#env, store, effect.item)
    const { id, quantity, location, refusals } = effect
    const order = orderId(purchaseId)
    if (effect.do === 'fulfill') {
      const command = {
        store,
        purchaseId,
        orderId: order,
        commandId: id,
        quantity,
        location,
        lowStockThreshold,
      }
      return stock.fulfill(command)
    }
    const key = `${order}/${id}/${refusals}`
    return stock.move({
      store,
      type: 'return',
      location: effect.location,
      locationPriority: effect.locationPriority,
      lot: '',
      expiresAt: null,
      quantity,
      reason: null,
      reference: null,
      note: null,
      expectedOnHand: null,
      orderId: order,
      disposition: effect.disposition,
      actor: effect.actor,
      lowStockThreshold,
      idempotency: { key, fingerprint: key },
    })
  }
}
