import { type EpochMs, now } from '../../runtime/clock.ts'
import { isSameSecret } from '../../runtime/digest.ts'
import type { Cart } from '../../schema/http/cart.ts'
import type { Discount } from '../../schema/http/discount.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import { PROBLEMS } from '../../schema/problems.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type {
  CreateCommand,
  PurchaseSettings,
  PutLineCommand,
  RemoveLineCommand,
  UpdateCommand,
} from '../../schema/rpc/purchase.ts'
import { viewCart } from './cart-view.ts'
import { applyPatch, type Decided, newPurchase, setLines, whyClosed, whyTooLarge } from './decide-cart.ts'
import { needsOf } from './demand.ts'
import { applyDiscount, usesIn, withoutDiscount } from './discount-commands.ts'
import { holdLines, releaseAll, type Touched } from './hold-lines.ts'
import type { PurchaseRecord } from './record.ts'
import type { PurchaseState, Supply } from './state.ts'
import type { StockHolds } from './stock-holds.ts'

type CartOutcome = Outcome<{ cart: Cart }>

/** What a shopper does with an open cart. Each method runs alone: the object queues them. */
export class CartCommands {
  readonly #record: PurchaseRecord
  readonly #stock: StockHolds

  constructor(record: PurchaseRecord, stock: StockHolds) {
    this.#record = record
    this.#stock = stock
  }

  /** The purchase, for whoever knows its secret; anybody else learns no more than that there is none. */
  async open(secret: string): Promise<PurchaseState | null> {
    const { state } = this.#record
    return state && (await isSameSecret(secret, state.secret)) ? state : null
  }

  async view(secret: string): Promise<CartOutcome> {
    const state = await this.open(secret)
    return state ? { ok: true, cart: viewCart(state, now()) } : refuse('cart_not_found')
  }

  async create(command: CreateCommand): Promise<Outcome<{ cart: Cart; isReplay: boolean }>> {
    const at = now()
    const { idempotency } = command
    const replay = this.#record.storage.replay<{ cart: Cart }>(idempotency, at)
    if (replay) return replay
    // Purchase ids are random, or derived from a key that is kept: another cart here is a bug.
    if (this.#record.state) throw new Error('a cart is created over another')
    const decided = await this.#build(command, at)
    const keep = (answer: CartOutcome) => (storage: PurchaseRecord['storage']) => {
      // The id is derived from the key, so as long as there is this cart there can be no other for it.
      const keptUntil = answer.ok ? Number.MAX_SAFE_INTEGER : at + IDEMPOTENCY_KEPT_MS
      storage.keep(idempotency, answer, at, keptUntil)
    }
    if (!decided.ok) {
      if (idempotency && isKept(decided)) this.#record.write(keep(decided))
      return decided
    }
    const cart = viewCart(decided.state, at)
    this.#record.commit({ state: decided.state }, keep({ ok: true, cart }))
    return { ok: true, cart, isReplay: false }
  }

  async #build(command: CreateCommand, at: EpochMs): Promise<Decided> {
    const empty = newPurchase(command, this.#record.purchaseId, at, this.#record.storage.pastSequences())
    const patched = applyPatch(empty, command, null)
    if (!patched.ok) return patched
    const filled = setLines(patched.state, command.lines)
    if (!filled.ok) return filled
    const skus = skusOf(filled.state)
    return this.#hold(empty, filled.state, { supplies: suppliesOf([filled.state], skus), skus }, at)
  }

  /** Sets one line and its hold. Setting it to 0 takes it away. */
  async putLine(command: PutLineCommand): Promise<CartOutcome> {
    const { facts, quantity } = command.line
    if (quantity === 0) return this.removeLine({ ...command, sku: facts.sku, facts })
    return this.#change(command, (state, at) => {
      const set = setLines(state, [command.line])
      if (!set.ok) return set
      const reopened: PurchaseState = { ...set.state, status: 'open', endedAt: null }
      const skus = new Set([facts.sku])
      return this.#hold(state, reopened, { supplies: suppliesOf([state, reopened], skus), skus }, at)
    })
  }

  /**
   * Takes a line away and gives back what it held. Where there is no such line, a PUT may have been cut between Stock's
   * answer and the commit: then only the facts tell what it took. `needsFacts`: they were not given, and would have helped.
   */
  async removeLine(command: RemoveLineCommand): Promise<Outcome<{ cart: Cart; needsFacts: boolean }>> {
    const { sku, facts } = command
    let needsFacts = false
    const outcome = await this.#change(command, (state, at) => {
      const lines = state.lines.filter((line) => line.facts.sku !== sku)
      needsFacts = lines.length === state.lines.length && !facts && state.hold === 'line'
      const skus = new Set([sku])
      const taken = facts ? needsOf({ facts, quantity: 0, properties: {} }, state.customer) : []
      const supplies = [...suppliesOf([state], skus), ...taken]
      return this.#hold(state, { ...state, lines }, { supplies, skus, mayGrow: false }, at)
    })
    return outcome.ok ? { ...outcome, needsFacts } : outcome
  }

  /** Another contact needs its own quotas, which are held before those of the old one are given up. */
  async update(command: UpdateCommand): Promise<CartOutcome> {
    return this.#change(command, async (state, at) => {
      const patched = applyPatch(state, command, command.moved)
      if (!patched.ok) return patched
      const after = patched.state
      // Another market may build a variant from other items, or limit it otherwise.
      const rebuilt = state.lines.map(({ facts }) => facts).filter((facts) => isRebuilt(facts, after))
      const supplies = suppliesOf([state, after], new Set(rebuilt.map(({ sku }) => sku)))
      const all = state.customer === after.customer ? [] : suppliesOf([state, after], skusOf(after))
      const quotas = all.filter(({ kind }) => kind === 'quota')
      if (state.customer !== after.customer) quotas.push(...usesIn([state, after]))
      return this.#hold(state, after, { supplies: [...supplies, ...quotas], skus: skusOf(after) }, at)
    })
  }

  async applyDiscount(command: {
    secret: string
    settings: PurchaseSettings
    discount: Discount
  }): Promise<CartOutcome> {
    return this.#change(command, (state, at) => {
      const applied = applyDiscount(state, command.discount, at)
      if (!applied.ok) return applied
      const supplies = usesIn([applied.state])
      return this.#hold(state, applied.state, { supplies, skus: new Set() }, at)
    })
  }

  async removeDiscount(command: {
    secret: string
    settings: PurchaseSettings
    code: string
  }): Promise<CartOutcome> {
    return this.#change(command, (state, at) => {
      const supplies = usesIn([state])
      const after = withoutDiscount(state, command.code)
      return this.#hold(state, after, { supplies, skus: new Set(), mayGrow: false }, at)
    })
  }

  async abandon(command: { secret: string; settings: PurchaseSettings }): Promise<Outcome<object>> {
    const state = await this.open(command.secret)
    if (!state) return refuse('cart_not_found')
    const at = now()
    if (state.status === 'abandoned') {
      // The first time may have been cut before Stock heard of it.
      await releaseAll(this.#stock, this.#record.holdContext(state), state, at)
      return { ok: true }
    }
    const closed = whyClosed(state)
    if (closed) return closed
    this.#record.commit({
      state: {
        ...state,
        settings: command.settings,
        status: 'abandoned',
        holds: [],
        endedAt: at,
        updatedAt: at,
      },
    })
    // After the decision, so that nobody takes the line again in between.
    await releaseAll(this.#stock, this.#record.holdContext(state), state, at)
    return { ok: true }
  }

  /** Load, refuse what is closed, decide, persist, answer the whole cart. */
  async #change(
    { secret, settings }: { secret: string; settings: PurchaseSettings },
    decide: (state: PurchaseState, at: EpochMs) => Decided | Promise<Decided>,
  ): Promise<CartOutcome> {
    const state = await this.open(secret)
    if (!state) return refuse('cart_not_found')
    const closed = whyClosed(state)
    if (closed) return closed
    const at = now()
    const decided = await decide({ ...state, settings }, at)
    if (!decided.ok) {
      this.#correctHolds()
      return decided
    }
    const next = this.#record.commit({ state: { ...decided.state, updatedAt: at } })
    return { ok: true, cart: viewCart(next, now()) }
  }

  /** A refusal changes nothing but what the cart shows as held, where Stock was heard to hold less. */
  #correctHolds(): void {
    const state = this.#record.state!
    const holds = this.#stock.heard.correct(state.holds, now())
    if (holds !== state.holds) this.#record.commit({ state: { ...state, holds } })
  }

  async #hold(
    before: PurchaseState,
    after: PurchaseState,
    touched: Omit<Touched, 'mayGrow'> & Partial<Touched>,
    at: EpochMs,
  ): Promise<Decided> {
    const tooLarge = whyTooLarge(after, at)
    if (tooLarge) return tooLarge
    const context = this.#record.holdContext(after)
    return holdLines(this.#stock, context, before, after, { mayGrow: true, ...touched }, at)
  }
}

function skusOf({ lines }: PurchaseState): Set<string> {
  return new Set(lines.map(({ facts }) => facts.sku))
}

/** What these lines take of, in any of the states. */
function suppliesOf(states: readonly PurchaseState[], skus: ReadonlySet<string>): Supply[] {
  return states.flatMap(({ lines, customer }) =>
    lines.filter(({ facts }) => skus.has(facts.sku)).flatMap((line) => needsOf(line, customer)),
  )
}

/** A repeat of the key is answered with the same 409; what is malformed or weather may be asked again. */
function isKept({ code }: Refusal): boolean {
  return PROBLEMS[code].status === 409
}

function isRebuilt(facts: PurchaseState['lines'][number]['facts'], after: PurchaseState): boolean {
  const now = after.lines.find((other) => other.facts.sku === facts.sku)?.facts
  return (
    JSON.stringify(now?.stock) !== JSON.stringify(facts.stock) || now?.maxPerCustomer !== facts.maxPerCustomer
  )
}
