import { randomUUID } from 'node:crypto'
import { SHOPPER } from '../../../scripts/shopper.ts'
import { availableOf, cancelledOf, heldOf, orderedOf } from './answers.ts'
import type { Random } from './random.ts'
import type { Part, Request } from './recorder.ts'
import { type Cart, FOR_SALE, ITEMS, type Movement, PLENTY, SHELF, type Shop } from './shop.ts'

/** What a client does, by weight. */
const STEPS = {
  setLine: 36,
  removeLine: 6,
  checkout: 12,
  cancel: 7,
  move: 16,
  readLevels: 12,
  readAvailability: 6,
} as const

/** So many requests are given up early, and so early: they take 3 to 50 ms here. */
const IMPATIENT_SHARE = 0.08
const IMPATIENT_MS = [1, 25] as const
/** So many POSTs without an answer are sent again under their key. */
const REPEATED_SHARE = 0.6
const OTHERS_CART_SHARE = 0.15
const DECLINED_SHARE = 0.15
/** Counts and losses of `PLENTY` leave it above 3 units in each of some hundred carts. */
const PLENTY_COUNTED = [1_000, 1_200] as const

/** One client: one request after the other. */
export class Client {
  readonly #shop: Shop
  readonly #random: Random
  #cart: Cart | null = null

  constructor(shop: Shop, random: Random) {
    this.#shop = shop
    this.#random = random
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#shop.recorder.untilUp()
      await this.#step()
      this.#shop.stepDone()
    }
  }

  #step(): Promise<void> {
    const shop = this.#shop
    switch (this.#random.byWeight(STEPS)) {
      case 'setLine':
        return this.#setLine()
      case 'removeLine':
        return this.#removeLine()
      case 'checkout':
        return this.#checkout()
      case 'cancel':
        return this.#cancel()
      case 'move': {
        const item = this.#random.of(ITEMS)
        return shop.move(item, this.#movement(item), this.#patience(true))
      }
      case 'readLevels':
        return shop.readLevels(this.#random.of(ITEMS), this.#patience())
      case 'readAvailability':
        return this.#readAvailability()
    }
  }

  async #setLine(): Promise<void> {
    const sku = this.#random.of(FOR_SALE)
    const cart = this.#aCart()
    return cart ? this.#putLine(cart, sku) : this.#createCart(sku)
  }

  async #putLine(cart: Cart, sku: string): Promise<void> {
    const quantity = this.#random.between(0, 3)
    const part = { item: sku, args: { cart: cart.name, quantity }, read: heldOf(sku) }
    const request = { method: 'PUT', path: `/v1/carts/${cart.id}/lines/${sku}`, body: { quantity } }
    await this.#change(cart, 'setLine', part, request)
  }

  async #removeLine(): Promise<void> {
    const sku = this.#random.of(FOR_SALE)
    const cart = this.#aCart()
    if (!cart) return
    const part = { item: sku, args: { cart: cart.name, quantity: 0 }, read: heldOf(sku) }
    const request = { method: 'DELETE', path: `/v1/carts/${cart.id}/lines/${sku}` }
    await this.#change(cart, 'removeLine', part, request)
  }

  async #change(cart: Cart, op: 'setLine' | 'removeLine', part: Part, request: Request): Promise<void> {
    const sku = part.item
    const wasInDoubt = cart.inDoubt.has(sku)
    cart.unanswered.push(sku)
    const answer = await this.#shop.recorder.run(op, [part], { ...request, ...this.#patience() })
    if (answer) cart.unanswered.splice(cart.unanswered.indexOf(sku), 1)
    if (answer?.status === 200 && wasInDoubt) cart.inDoubt.delete(sku)
    if (answer?.body.code === 'cart_closed') cart.isOver = true
  }

  /** A cart born with a line. A repeat under the key finds the one that was made, with its hold. */
  async #createCart(sku: string): Promise<void> {
    const name = this.#shop.newName()
    const quantity = this.#random.between(1, 3)
    const part = { item: sku, args: { cart: name, quantity }, read: heldOf(sku) }
    const body = { ...SHOPPER, lines: [{ sku, quantity }] }
    const answer = await this.#shop.recorder.run('createCart', [part], this.#post('/v1/carts', body))
    if (answer?.status !== 201) return
    this.#cart = { name, id: answer.body.id, isOver: false, unanswered: [], inDoubt: new Set() }
    this.#shop.carts.push(this.#cart)
  }

  async #checkout(): Promise<void> {
    const cart = this.#aCart()
    if (!cart) return
    const [doubtful] = cart.inDoubt
    if (doubtful) return this.#putLine(cart, doubtful)
    const parts = FOR_SALE.map((item) => ({ item, args: { cart: cart.name }, read: orderedOf(item) }))
    // A declined payment leaves the holds as they are.
    const token = this.#random.isLikely(DECLINED_SHARE) ? 'tok_declined' : 'tok_ok'
    const request = this.#post(`/v1/carts/${cart.id}/checkout`, { payment: { provider: 'test', token } })
    const answer = await this.#shop.recorder.run('checkout', parts, {
      ...request,
      isRepeated: () => request.isRepeated!() && cart.inDoubt.size === 0,
    })
    if (answer?.status !== 201) return
    cart.isOver = true
    const units = new Map(FOR_SALE.map((item) => [item, orderedOf(item)(answer).quantity!]))
    this.#shop.orders.push({ cart: cart.name, id: answer.body.id, units })
  }

  /** One of the latest, so that now and then two clients cancel the same. */
  async #cancel(): Promise<void> {
    if (this.#shop.orders.length === 0) return
    const order = this.#random.of(this.#shop.orders.slice(-6))
    const parts = [...order.units]
      .filter(([, units]) => units > 0)
      .map(([item]) => ({ item, args: { cart: order.cart }, read: cancelledOf(item) }))
    const request = this.#post(`/v1/admin/orders/${order.id}/cancellation`, {})
    await this.#shop.recorder.run('cancel', parts, { ...request, isStaff: true })
  }

  #movement(item: string): Movement {
    const random = this.#random
    const expectedOnHand = this.#shop.seenOnHand.get(item)!
    if (item === SHELF) {
      const [quantity, counted] = [random.of([-3, -2, -1, 1, 2]), random.between(0, 4)]
      return random.of<Movement>([
        { type: 'adjust', quantity, reason: quantity < 0 ? 'damaged' : 'found' },
        { type: 'adjust', quantity, reason: quantity < 0 ? 'lost' : 'found' },
        { type: 'count', quantity: counted, expectedOnHand },
        { type: 'count', quantity: counted },
      ])
    }
    if (item === PLENTY) {
      const quantity = random.between(...PLENTY_COUNTED)
      return random.of<Movement>([
        { type: 'receive', quantity: random.between(1, 9) },
        { type: 'adjust', quantity: -random.between(1, 9), reason: 'lost' },
        { type: 'count', quantity },
        { type: 'count', quantity, expectedOnHand },
      ])
    }
    // Upwards only: what becomes of a hold whose goods are lost is another story.
    return random.of<Movement>([
      { type: 'receive', quantity: 1 },
      { type: 'adjust', quantity: 1, reason: 'found' },
      { type: 'count', quantity: expectedOnHand + random.between(0, 1), expectedOnHand },
    ])
  }

  async #readAvailability(): Promise<void> {
    const parts = FOR_SALE.map((item) => ({ item, args: {}, read: availableOf(item) }))
    const path = `/v1/availability?${FOR_SALE.map((item) => `sku=${item}`).join('&')}`
    await this.#shop.recorder.run('readAvailability', parts, { method: 'GET', path, ...this.#patience() })
  }

  /** Mostly its own, now and then anybody's; null when it should make one. */
  #aCart(): Cart | null {
    const open = this.#shop.carts.filter(({ isOver }) => !isOver)
    if (open.length > 0 && this.#random.isLikely(OTHERS_CART_SHARE)) return this.#random.of(open)
    return this.#cart && !this.#cart.isOver ? this.#cart : null
  }

  #post(path: string, body: object): Request {
    return { method: 'POST', path, body, idempotencyKey: randomUUID(), ...this.#patience(true) }
  }

  #patience(hasKey = false): Partial<Request> {
    const patience: Partial<Request> = {}
    if (this.#random.isLikely(IMPATIENT_SHARE)) patience.patienceMs = this.#random.between(...IMPATIENT_MS)
    const isRepeated = this.#random.isLikely(REPEATED_SHARE)
    if (hasKey) patience.isRepeated = () => isRepeated
    return patience
  }
}
