import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { purchaseOf } from '../../../durable-objects/purchase/client.ts'
import type { Purchase } from '../../../durable-objects/purchase/purchase.ts'
import type { Quota } from '../../../durable-objects/quota/quota.ts'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now } from '../../../runtime/clock.ts'
import type { Cart, CartPatch } from '../../../schema/http/cart.ts'
import type { Discount } from '../../../schema/http/discount.ts'
import { newCart, parseCartId } from '../../../schema/ids.ts'
import type { Outcome } from '../../../schema/outcome.ts'
import type { MarketTerms, VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
import type {
  AuthorizeResult,
  CheckoutStep,
  CreateCommand,
  Lease,
  PurchaseRpc,
  PurchaseSettings,
  UpdateCommand,
} from '../../../schema/rpc/purchase.ts'
import type { OutboxEvent } from '../../../schema/rpc/source.ts'

export const STORE = { slug: 'default', jurisdiction: null, region: null }
export const SETTINGS: PurchaseSettings = {
  store: STORE,
  holdTtlSeconds: 900,
  lowStockThreshold: 2,
  capture: 'automatic',
}
export const TERMS: MarketTerms = {
  code: 'main',
  currency: 'EUR',
  countries: [],
  pricesIncludeTax: true,
  taxRates: [],
  shippingMethods: [{ code: 'standard', title: 'Standard', countries: [], price: 0 }],
  discounts: [],
}
/** What no event may show of a shopper: every text of these. */
export const READY = {
  contact: { email: 'Ada@Secret.example', phone: '+49 30 998877' },
  shippingAddress: {
    name: 'Ada Secretive',
    line1: 'Hidden Street 1',
    city: 'Hiddenburg',
    postalCode: '99887',
    country: 'DE',
  },
  shippingMethod: 'standard',
  note: 'ring twice, secretly',
  metadata: { clue: 'hidden-metadata' },
}

export function ok<T extends object>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${JSON.stringify(outcome.facts ?? outcome.detail)}`)
  return outcome
}

let made = 0
export const newSku = () => `SKU-${++made}-${crypto.randomUUID().slice(0, 8)}`

export function factsOf(sku: string, facts: Partial<VariantFacts> = {}): VariantFacts {
  return {
    sku,
    productHandle: sku.toLowerCase(),
    categories: [],
    title: `Title of ${sku}`,
    image: null,
    unitPrice: 1000,
    taxCategory: 'standard',
    requiresShipping: true,
    maxPerOrder: null,
    maxPerCustomer: null,
    stock: [{ item: sku, quantity: 1 }],
    ...facts,
  }
}

export async function receive(item: string, quantity: number): Promise<void> {
  ok(
    await stockOf(env, STORE, item).move({
      store: STORE,
      type: quantity > 0 ? 'receive' : 'adjust',
      location: 'main',
      locationPriority: 0,
      lot: '',
      expiresAt: null,
      quantity,
      reason: quantity > 0 ? null : 'lost',
      reference: null,
      note: null,
      expectedOnHand: null,
      orderId: null,
      disposition: null,
      actor: 'root',
      lowStockThreshold: 2,
      idempotency: { key: crypto.randomUUID(), fingerprint: 'f' },
    }),
  )
}

/** A new item with units on hand; its SKU's facts. */
export async function stocked(units: number, facts: Partial<VariantFacts> = {}): Promise<VariantFacts> {
  const sku = newSku()
  if (units > 0) await receive(sku, units)
  return factsOf(sku, facts)
}

/** Reserved and allocated units of an item. */
export async function promised(item: string): Promise<{ reserved: number; allocated: number }> {
  const levels = (await stockOf(env, STORE, item).levels())?.levels
  return { reserved: levels?.reserved ?? 0, allocated: levels?.allocated ?? 0 }
}

/** Units of a customer's quota of a SKU that are held and that are ordered. */
export async function usedBy(
  customer: string,
  sku: string,
): Promise<{ reserved: number; allocated: number }> {
  const stub = quotaStub(customer, sku)
  const levels = (await stub.levels())?.levels
  return { reserved: levels?.reserved ?? 0, allocated: levels?.allocated ?? 0 }
}

export function quotaStub(customer: string, sku: string): DurableObjectStub<Quota> {
  return env.QUOTA.get(env.QUOTA.idFromName(`${STORE.slug}/customer/${customer}/${sku}`))
}

export async function movementsOf(item: string) {
  return (await stockOf(env, STORE, item).movements({ before: null, limit: 100 })).movements
}

/** A hold that a purchase asked for without having written it down. */
export async function holdAs(purchaseId: string, item: string, quantity: number): Promise<void> {
  const expiresAt = now() + SETTINGS.holdTtlSeconds * 1000
  const command = { store: STORE, purchaseId, version: 1, quantity, expiresAt, lowStockThreshold: 2 }
  ok(await stockOf(env, STORE, item).reserve(command))
}

/** No provider of this name is offered, so the worker behind the alarm leaves effects to the tests. */
export const OFFLINE = 'offline'

export const stamp = () => ({ key: crypto.randomUUID(), fingerprint: 'f' })

type Wanted = [facts: VariantFacts, quantity: number]

/** One cart, with commands that name only what a test is about. */
export class Shopper {
  readonly purchaseId: string
  readonly secret: string
  settings = SETTINGS
  terms = TERMS
  facts: VariantFacts[] = []
  /** Codes that the store has. */
  discounts: Discount[] = []
  /** Who the contact is, as the worker would say. */
  customer: string | null = null

  constructor() {
    const { purchaseId, secret } = newCart(now())
    this.purchaseId = purchaseId
    this.secret = secret
  }

  get rpc(): PurchaseRpc {
    return purchaseOf(env, STORE, this.purchaseId)
  }

  get stub(): DurableObjectStub<Purchase> {
    return env.PURCHASE.get(env.PURCHASE.idFromName(`${STORE.slug}/${this.purchaseId}`))
  }

  get access() {
    return { secret: this.secret, settings: this.settings }
  }

  create(wanted: Wanted[], command: Partial<CreateCommand> = {}) {
    this.facts = wanted.map(([facts]) => facts)
    return this.rpc.create({
      ...this.access,
      terms: this.terms,
      locale: 'en',
      hold: 'line',
      lines: wanted.map(([facts, quantity]) => ({
        facts,
        quantity,
        properties: { engraving: 'secret words' },
      })),
      patch: READY,
      customer: this.customer,
      idempotency: null,
      ...command,
    })
  }

  update(patch: CartPatch, moved: UpdateCommand['moved'] = null) {
    return this.rpc.update({ ...this.access, patch, customer: this.customer, moved })
  }

  /** Another contact, who is `customer`. */
  become(customer: string | null) {
    this.customer = customer
    return this.update({ contact: customer === null ? null : { email: 'Ada@Secret.example' } })
  }

  put(facts: VariantFacts, quantity: number) {
    if (!this.facts.includes(facts)) this.facts.push(facts)
    return this.rpc.putLine({ ...this.access, line: { facts, quantity } })
  }

  async cart(): Promise<Cart> {
    return ok(await this.rpc.cart({ secret: this.secret })).cart
  }

  begin(token = 'tok_ok', options: Partial<Parameters<PurchaseRpc['beginCheckout']>[0]> = {}) {
    return this.rpc.beginCheckout({
      ...this.access,
      payment: { provider: OFFLINE, token, returnUrl: null },
      expectedTotal: null,
      idempotency: stamp(),
      ...options,
    })
  }

  /** Runs the steps as the worker does, with this provider, until `stop` is next (null: to the end). */
  async run(
    attempt: number | null,
    stop: CheckoutStep['do'] | null = null,
    provider: Provider = {},
  ): Promise<{ step: CheckoutStep; lease: Lease }> {
    const { lease, step: first } = ok(await this.rpc.takeCheckout({ attempt }))
    let step = first
    while (step.do !== stop && step.do !== 'wait' && step.do !== 'finished') {
      step = ok(await this.take(step, lease, provider)).step
    }
    return { step, lease }
  }

  take(step: CheckoutStep, lease: Lease, provider: Provider = {}): Promise<Outcome<{ step: CheckoutStep }>> {
    switch (step.do) {
      case 'reprice':
        return this.rpc.reprice({
          lease,
          facts: this.facts,
          terms: this.terms,
          customer: this.customer,
          discounts: this.discounts,
        })
      case 'hold':
        return this.rpc.hold({ lease })
      case 'authorize': {
        const result = provider.authorize ?? { outcome: 'authorized' as const, providerReference: 'ref' }
        return this.rpc.recordAuthorization({ lease, result })
      }
      case 'place':
        return this.rpc.placeOrder({ lease })
      case 'capture':
        return this.rpc.recordCapture({ lease, isCaptured: provider.isCaptured ?? true })
      case 'undo':
        return this.rpc.recordUndone({ lease, isDone: provider.isUndone ?? true })
      default:
        throw new Error(`${step.do} is not a step to take`)
    }
  }

  /** A whole checkout; its answer. */
  async checkout(provider: Provider = {}) {
    const { attempt } = ok(await this.begin())
    const { step } = await this.run(attempt, null, provider)
    if (step.do !== 'finished' && step.do !== 'wait') throw new Error('not answered')
    return { attempt, answer: step.answer }
  }

  events(): Promise<OutboxEvent[]> {
    return this.rpc.pull(1000).then(({ events }) => events)
  }

  /** All that the object keeps of its purchase, as text. */
  stored(): Promise<string> {
    return runInDurableObject(this.stub, (_, state) =>
      ['document', 'attempt', 'event']
        .map((table) => JSON.stringify(state.storage.sql.exec(`select * from ${table}`).toArray()))
        .join('\n'),
    )
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

export interface Provider {
  authorize?: AuthorizeResult
  isCaptured?: boolean
  isUndone?: boolean
}

export const parsed = (cart: Cart) => parseCartId(cart.id)

/** Keeps the relay out, so that a test sees the outbox as the object left it. */
export function silenceQueue(): unknown[] {
  const sent: unknown[] = []
  const send = async (message: unknown) => {
    sent.push(message)
  }
  Object.defineProperty(env.EVENTS_QUEUE, 'send', { value: send, configurable: true })
  return sent
}
