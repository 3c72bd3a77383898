import { DurableObject } from 'cloudflare:workers'
import { fromIso, now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import { refuse } from '../../schema/outcome.ts'
import type { BackgroundRpc, PurchaseRpc } from '../../schema/rpc/purchase.ts'
import type { OrderToRecord, Pulled } from '../../schema/rpc/source.ts'
import type { Task } from './agenda.ts'
import { allocationsOf, goodsIn } from './allocations.ts'
import { recordAuthorization, recordUndone, reprice } from './attempt.ts'
import { CartCommands } from './cart-commands.ts'
import { CheckoutCommands } from './checkout-commands.ts'
import { CommandQueue } from './command-queue.ts'
import { expireCart } from './expire-cart.ts'
import { OrderCommands } from './order-commands.ts'
import { stuckEffects } from './order-effects.ts'
import { recordCapture } from './place-order.ts'
import { PurchaseRecord } from './record.ts'
import { StockGoods } from './stock-goods.ts'
import { StockHolds } from './stock-holds.ts'

type Command<M extends keyof PurchaseRpc> = Parameters<PurchaseRpc[M]>[0]
type Answer<M extends keyof PurchaseRpc> = ReturnType<PurchaseRpc[M]>

/**
 * One purchase from the first line to the last refund: `{store}/{purchaseId}`. Mutations queue, reads do not; an
 * object that was never written to answers "not found" and writes nothing.
 */
export class Purchase extends DurableObject<Env> implements PurchaseRpc {
  readonly #queue = new CommandQueue()
  readonly #record: PurchaseRecord
  readonly #carts: CartCommands
  readonly #checkout: CheckoutCommands
  readonly #orders: OrderCommands

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#record = new PurchaseRecord(ctx, env)
    const stock = new StockHolds(env)
    this.#carts = new CartCommands(this.#record, stock)
    this.#checkout = new CheckoutCommands(this.#record, stock)
    this.#orders = new OrderCommands(this.#record, new StockGoods(env))
  }

  #alone<T>(command: () => T | Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      await this.#record.ready()
      return command()
    })
  }

  // --- The cart ---

  async create(command: Command<'create'>): Answer<'create'> {
    return this.#alone(() => this.#carts.create(command))
  }

  async cart({ secret }: Command<'cart'>): Answer<'cart'> {
    return this.#carts.view(secret)
  }

  async context({ secret }: Command<'context'>): Answer<'context'> {
    const state = await this.#carts.open(secret)
    if (!state) return refuse('cart_not_found')
    const skus = state.lines.map(({ facts }) => facts.sku)
    return { ok: true, skus, market: state.terms.code, locale: state.locale }
  }

  async putLine(command: Command<'putLine'>): Answer<'putLine'> {
    return this.#alone(() => this.#carts.putLine(command))
  }

  async removeLine(command: Command<'removeLine'>): Answer<'removeLine'> {
    return this.#alone(() => this.#carts.removeLine(command))
  }

  async update(command: Command<'update'>): Answer<'update'> {
    return this.#alone(() => this.#carts.update(command))
  }

  async applyDiscount(command: Command<'applyDiscount'>): Answer<'applyDiscount'> {
    return this.#alone(() => this.#carts.applyDiscount(command))
  }

  async removeDiscount(command: Command<'removeDiscount'>): Answer<'removeDiscount'> {
    return this.#alone(() => this.#carts.removeDiscount(command))
  }

  async abandon(command: Command<'abandon'>): Answer<'abandon'> {
    return this.#alone(() => this.#carts.abandon(command))
  }

  // --- The checkout ---

  async beginCheckout(command: Command<'beginCheckout'>): Answer<'beginCheckout'> {
    return this.#alone(async () => {
      const state = await this.#carts.open(command.secret)
      return state ? this.#checkout.begin(state, command) : refuse('cart_not_found')
    })
  }

  async takeCheckout({ attempt }: Command<'takeCheckout'>): Answer<'takeCheckout'> {
    return this.#alone(() => this.#checkout.take(attempt))
  }

  async reprice({ lease, ...fresh }: Command<'reprice'>): Answer<'reprice'> {
    return this.#alone(() =>
      this.#checkout.step(lease, 'repricing', (state, at) => reprice(state, fresh, at)),
    )
  }

  async hold({ lease }: Command<'hold'>): Answer<'hold'> {
    return this.#alone(() => this.#checkout.step(lease, 'holding', (_, at) => this.#checkout.hold(at)))
  }

  async recordAuthorization({
    lease,
    result,
  }: Command<'recordAuthorization'>): Answer<'recordAuthorization'> {
    return this.#alone(() =>
      this.#checkout.step(lease, 'authorizing', (state, at) => recordAuthorization(state, result, at)),
    )
  }

  async placeOrder({ lease }: Command<'placeOrder'>): Answer<'placeOrder'> {
    return this.#alone(() =>
      this.#checkout.step(lease, 'placing', (state, at) => this.#checkout.place(state, at)),
    )
  }

  async recordCapture({ lease, isCaptured }: Command<'recordCapture'>): Answer<'recordCapture'> {
    return this.#alone(() =>
      this.#checkout.step(lease, 'capturing', (state, at) => recordCapture(state, isCaptured, at)),
    )
  }

  async recordUndone({ lease, isDone }: Command<'recordUndone'>): Answer<'recordUndone'> {
    return this.#alone(() =>
      this.#checkout.step(lease, 'undoing', (state, at) => recordUndone(state, isDone, at)),
    )
  }

  async checkoutAnswer({ attempt }: Command<'checkoutAnswer'>): Answer<'checkoutAnswer'> {
    return this.#checkout.answer(attempt)
  }

  async notePayment({ provider, paymentId, outcome }: Command<'notePayment'>): Answer<'notePayment'> {
    return this.#alone(() => this.#checkout.note({ provider, paymentId, outcome }))
  }

  // --- The order ---

  async order({ token }: Command<'order'>): Answer<'order'> {
    return this.#orders.view(token)
  }

  async commandOrder(command: Command<'commandOrder'>): Answer<'commandOrder'> {
    return this.#alone(async () => {
      const outcome = await this.#orders.run(command)
      if (outcome.ok) await this.#checkout.deallocate()
      return outcome
    })
  }

  async cancel(command: Command<'cancel'>): Answer<'cancel'> {
    return this.commandOrder({ ...command, do: 'cancel', lines: null })
  }

  async pendingEffects(): Answer<'pendingEffects'> {
    return this.#orders.effects()
  }

  async settleEffect({ id, isDone }: Command<'settleEffect'>): Answer<'settleEffect'> {
    return this.#alone(() => this.#orders.settleEffect(id, isDone))
  }

  async allocations(): Answer<'allocations'> {
    return allocationsOf(this.#record.state, this.#record.storage.recordedVersion())
  }

  async document(): Answer<'document'> {
    return this.#document()
  }

  // --- The outbox ---

  async pull(limit: number): Promise<Pulled> {
    this.#record.nudger.clear()
    const events = this.#record.storage.unconfirmed(limit + 1)
    return {
      events: events.slice(0, limit),
      document: this.#document(),
      hasMore: events.length > limit,
    }
  }

  async confirm(outbox: number, documentVersion: number | null): Promise<void> {
    await this.#record.ready()
    // A purchase that was emptied meanwhile must not be written to.
    if (!this.#record.storage.exists()) return
    // Beside the queue: a command may wait for Stock, and the relay waits for all of its sources.
    this.#record.write((storage) => storage.confirm(outbox, documentVersion ?? 0))
  }

  #document(): OrderToRecord['document'] | null {
    const { state } = this.#record
    if (!state?.order) return null
    const { order } = state
    const { id, number, status, paymentStatus, fulfillmentStatus, lines, contact, placedAt, version } = order
    return {
      kind: 'order',
      orderId: id,
      version,
      document: {
        number,
        status,
        paymentStatus,
        fulfillmentStatus,
        email: contact?.email?.toLowerCase() ?? null,
        skus: lines.map(({ sku }) => sku),
        items: goodsIn(state.allocations),
        placedAt: fromIso(placedAt),
        ...(state.wasStuck && { stuck: stuckEffects(state) }),
        order: JSON.stringify(order),
      },
    }
  }

  // --- What happens by itself ---

  /** Does what is due and rings again for what is next. It never throws: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    this.#record.disarmed()
    const due = [...this.#record.agenda()].filter(([, at]) => at <= now())
    // Side by side: a provider that takes its time keeps no unit and no event waiting.
    await Promise.all(due.map(([task]) => this.#try(task)))
    await this.#alone(() => this.#record.arm())
  }

  async #try(task: Task): Promise<void> {
    this.#record.tried(task)
    try {
      await this.#run(task)
    } catch (error) {
      log('warn', 'a task of a purchase failed; it is tried again', { task, error: errorText(error) })
    }
  }

  async #run(task: Task): Promise<void> {
    const store = this.#record.state?.settings.store
    // The runner and the provider are the worker's; its calls come back through the queue, so none is held here.
    const { Background: background } = this.ctx.exports as unknown as { Background: BackgroundRpc }
    switch (task) {
      case 'advance':
        return store && background.advanceCheckout(store, this.#record.purchaseId)
      case 'effects':
        return store && background.runEffects(store, this.#record.purchaseId)
      case 'deallocate':
        return this.#alone(() => this.#checkout.deallocate())
      case 'stock':
        return this.#alone(() => this.#orders.tellStock())
      case 'settle':
        return this.#alone(() => this.#checkout.settle())
      case 'nudge':
        this.#record.nudger.clear()
        return this.#record.nudge()
      case 'expire':
        return this.#alone(() => expireCart(this.#record))
      case 'empty':
        // Asked again inside the queue: a shopper may have come back in between.
        return this.#alone(async () => {
          if (this.#record.isDue('empty')) await this.#record.empty()
        })
    }
  }
}
