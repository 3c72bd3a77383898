import { type EpochMs, now, toIso } from '../../runtime/clock.ts'
import { isSameSecret } from '../../runtime/digest.ts'
import type { Order, TimelineEntry } from '../../schema/http/order.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type { OrderAction, OrderCommand, PendingEffect } from '../../schema/rpc/purchase.ts'
import { cancelOrder } from './cancel-order.ts'
import { captureOrder } from './capture-order.ts'
import { firstEffects } from './effects.ts'
import { deliverOrder, fulfillOrder, unitsToShip } from './fulfill-order.ts'
import { effectDone, effectFailed, withStuckTold } from './order-effects.ts'
import { permits } from './order-states.ts'
import type { PurchaseRecord } from './record.ts'
import { refundOrder } from './refund-order.ts'
import { receiveReturn, returnOrder } from './return-order.ts'
import type { Change, PurchaseState } from './state.ts'
import { goodsOf, withStockAnswer } from './stock-effects.ts'
import type { StockGoods } from './stock-goods.ts'
import { subjectOf, timelineOf, toldInTimeline } from './timeline.ts'

type Answer = Outcome<{ order: Order; isReplay: boolean }>

/** What happens to a purchase once it is an order. Each command runs alone: the object queues them. */
export class OrderCommands {
  readonly #record: PurchaseRecord
  readonly #goods: StockGoods

  constructor(record: PurchaseRecord, goods: StockGoods) {
    this.#record = record
    this.#goods = goods
  }

  /** Never with the token: who asks with one has it, and staff need none. Who did what is for staff alone. */
  async view(token: string | null): Promise<Outcome<{ order: Order; timeline: TimelineEntry[] }>> {
    const { state } = this.#record
    if (!state?.order) return refuse('order_not_found')
    if (token === null) return { ok: true, order: state.order, timeline: timelineOf(state) }
    if (!(await isSameSecret(token, state.orderToken!))) return refuse('order_not_found')
    return { ok: true, order: state.order, timeline: [] }
  }

  /** One command, once for each key: guards, decision, and what it changes with its answer in one transaction. */
  async run(command: OrderCommand): Promise<Answer> {
    const { state } = this.#record
    if (!state?.order) return refuse('order_not_found')
    const at = now()
    const replay = this.#record.storage.replay<{ order: Order }>(command.idempotency, at)
    if (replay) return replay
    const { expectedVersion } = command
    if (expectedVersion !== null && expectedVersion !== state.order.version) {
      return refuse('precondition_failed', undefined, { version: state.order.version })
    }
    if (MOVES_MONEY.has(command.do) && state.attempt?.stage === 'capturing') {
      return refuse('order_state_conflict', 'The payment is being captured; repeat in a moment.')
    }
    const decided = await this.#decide({ ...state, settings: command.settings }, command, at)
    if ('ok' in decided) return this.#refuse(command, decided, at)
    const { actor, do: what } = command
    const subject = subjectOf(command, decided.state.order!)
    const change = toldInTimeline(decided, { at: toIso(at), actor, what, subject })
    this.#record.commit(change, (storage) => keepAnswer(storage, command, change.state.order!, at))
    return this.#answer(command, at)
  }

  async #decide(state: PurchaseState, command: OrderCommand, at: EpochMs): Promise<Change | Refusal> {
    if (!permits(state.order!, command.do)) {
      const { status, paymentStatus, fulfillmentStatus } = state.order!
      return refuse('order_state_conflict', undefined, { status, paymentStatus, fulfillmentStatus })
    }
    if (command.do === 'fulfill') return this.#fulfill(state, command, at)
    return decideOrder(state, command, command.actor, at)
  }

  /** Goods are looked for before they are said to have left: a parcel that cannot be packed is refused whole. */
  async #fulfill(
    state: PurchaseState,
    action: Extract<OrderAction, { do: 'fulfill' }>,
    at: EpochMs,
  ): Promise<Change | Refusal> {
    const wanted = unitsToShip(state, action.lines)
    if (!wanted.ok) return wanted
    const missing = await this.#goods.look(state, goodsOf(state, wanted.units), action.location)
    if (missing === null) return refuse('unavailable', 'Stock did not answer.')
    if (missing.length > 0) {
      return refuse('stock_conflict', 'Goods of this order are not on hand there.', { items: missing })
    }
    return fulfillOrder(state, action, wanted.units, at)
  }

  /** A refusal that is an answer is kept; weather and absence are not. */
  #refuse({ idempotency }: OrderCommand, refusal: Refusal, at: EpochMs): Refusal {
    const isAnswer = refusal.code !== 'unavailable' && !refusal.code.endsWith('_not_found')
    if (isAnswer && idempotency) {
      this.#record.write((storage) => storage.keep(idempotency, refusal, at, at + IDEMPOTENCY_KEPT_MS))
    }
    return refusal
  }

  /** Stock is told after the decision is written down; the answer shows what it said, if it said it at once. */
  async #answer(command: OrderCommand, at: EpochMs): Promise<Answer> {
    const { version } = this.#record.state!.order!
    await this.tellStock()
    const order = this.#record.state!.order!
    // Nobody has heard the first answer yet: whoever repeats the command is queued behind it.
    if (order.version !== version) {
      this.#record.write((storage) => keepAnswer(storage, command, order, at))
    }
    return { ok: true, order, isReplay: false }
  }

  /** Tells the stock items what is due; what they do not take comes again from the alarm. */
  async tellStock(): Promise<void> {
    const { state } = this.#record
    const due = state?.stockEffects.filter(({ nextAt }) => nextAt <= now()) ?? []
    if (!state || due.length === 0) return
    const answers = await this.#goods.tell(state, due)
    const at = now()
    const next = due.reduce((so, effect, index) => withStockAnswer(so, effect, answers[index]!, at), state)
    this.#record.commit({ state: withStuckTold(state, next) })
  }

  effects(): PendingEffect[] {
    const { state } = this.#record
    return firstEffects(state?.effects ?? []).map(({ id, do: what, request }) => ({ id, do: what, request }))
  }

  /** A settled effect is gone, so a repeat finds nothing to do. */
  settleEffect(id: string, isDone: boolean): void {
    const { state } = this.#record
    const effect = state?.effects.find((other) => other.id === id)
    if (!state || !effect) return
    this.#record.commit(isDone ? effectDone(state, effect, now()) : effectFailed(state, effect, now()))
  }
}

function keepAnswer(
  storage: PurchaseRecord['storage'],
  { idempotency }: OrderCommand,
  order: Order,
  at: EpochMs,
): void {
  const answer: Outcome<{ order: Order }> = { ok: true, order }
  storage.keep(idempotency, answer, at, at + IDEMPOTENCY_KEPT_MS)
}

const MOVES_MONEY: ReadonlySet<OrderAction['do']> = new Set([
  'capture',
  'cancel',
  'refund',
  'return',
  'receive',
])

/** What a command decides by itself. */
export function decideOrder(
  state: PurchaseState,
  action: Exclude<OrderAction, { do: 'fulfill' }>,
  actor: string,
  at: EpochMs,
): Change | Refusal {
  switch (action.do) {
    case 'capture':
      return captureOrder(state, at)
    case 'deliver':
      return deliverOrder(state, action.fulfillmentId, at)
    case 'cancel':
      return cancelOrder(state, action.lines, action.reason, at)
    case 'refund':
      return refundOrder(state, action, at)
    case 'return':
      return returnOrder(state, action, actor, at)
    case 'receive':
      return receiveReturn(state, action, actor, at)
    case 'amend':
      return amendOrder(state, action)
  }
}

/** Notes and metadata are the shop's own: no event shows them. */
function amendOrder(state: PurchaseState, { note, metadata }: Extract<OrderAction, { do: 'amend' }>): Change {
  const before = state.order!
  const order: Order = {
    ...before,
    version: before.version + 1,
    ...(note !== undefined && { note }),
    ...(metadata !== undefined && { metadata }),
  }
  return { state: { ...state, order } }
}
