import type { EpochMs } from '../../runtime/clock.ts'
import type { LineUnits, ReceivedLine } from '../../schema/rpc/purchase.ts'
import type { Taken } from '../../schema/rpc/stock.ts'
import { retryLater } from './effects.ts'
import type { PurchaseState, StockEffect } from './state.ts'

/** What a stock item said: where goods were taken from (nothing for goods that came back), no, or nothing at all. */
export type StockAnswer = { taken: Taken[] } | 'refused' | 'weather'

/** Goods by item that units of lines are: the order's lines and the cart's are the same, in the same order. */
export function goodsOf(
  { lines, order }: Pick<PurchaseState, 'lines' | 'order'>,
  units: readonly LineUnits[],
): Map<string, number> {
  const lineOf = new Map(order!.lines.map(({ id }, index) => [id, lines[index]!]))
  const goods = new Map<string, number>()
  for (const { lineId, quantity } of units) {
    for (const { item, quantity: each } of lineOf.get(lineId)!.facts.stock) {
      goods.set(item, (goods.get(item) ?? 0) + each * quantity)
    }
  }
  return goods
}

/** Goods of a fulfillment leave; what is promised to the order shrinks by them. */
export function withGoodsLeaving(
  state: PurchaseState,
  fulfillmentId: string,
  units: readonly LineUnits[],
  location: string | null,
  at: EpochMs,
): PurchaseState {
  const goods = goodsOf(state, units)
  const effects = [...goods].map(([item, quantity]): StockEffect => {
    const id = `${state.order!.id}/${fulfillmentId}`
    return { id, do: 'fulfill', item, quantity, location, fulfillmentId, tries: 0, refusals: 0, nextAt: at }
  })
  const allocations = state.allocations
    .map((has) =>
      has.kind === 'stock' ? { ...has, quantity: has.quantity - (goods.get(has.item) ?? 0) } : has,
    )
    .filter(({ quantity }) => quantity > 0)
  return { ...state, allocations, stockEffects: [...state.stockEffects, ...effects] }
}

/** Goods of a return are back, each where the receipt says and for what. */
export function withGoodsComing(
  state: PurchaseState,
  returnId: string,
  received: readonly ReceivedLine[],
  actor: string,
  at: EpochMs,
): PurchaseState {
  const effects = received.flatMap((line, index) =>
    [...goodsOf(state, [line])].map(([item, quantity]): StockEffect => {
      const { disposition, location, locationPriority } = line
      const id = `${returnId}/${index + 1}/${item}`
      const where = { disposition, location, locationPriority }
      return { id, do: 'return', item, quantity, ...where, actor, tries: 0, refusals: 0, nextAt: at }
    }),
  )
  return { ...state, stockEffects: [...state.stockEffects, ...effects] }
}

/** One effect is over, or comes again later; a fulfillment hears where its units were taken from. */
export function withStockAnswer(
  state: PurchaseState,
  effect: StockEffect,
  answer: StockAnswer,
  at: EpochMs,
): PurchaseState {
  if (typeof answer === 'string') {
    const later = retryLater(effect, at)
    const next = answer === 'refused' ? { ...later, refusals: effect.refusals + 1 } : later
    return { ...state, stockEffects: state.stockEffects.map((other) => (other === effect ? next : other)) }
  }
  const stockEffects = state.stockEffects.filter((other) => other !== effect)
  if (effect.do === 'return') return { ...state, stockEffects }
  const positions = answer.taken.map((taken) => ({ item: effect.item, ...taken }))
  const fulfillments = state.order!.fulfillments.map((fulfillment) =>
    fulfillment.id === effect.fulfillmentId
      ? { ...fulfillment, positions: [...fulfillment.positions, ...positions] }
      : fulfillment,
  )
  return { ...state, stockEffects, order: { ...state.order!, fulfillments } }
}
