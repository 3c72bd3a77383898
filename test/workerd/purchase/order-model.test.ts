import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fulfillOrder, unitsToShip } from '../../../durable-objects/purchase/fulfill-order.ts'
import { dueOf, lineValue } from '../../../durable-objects/purchase/order-amounts.ts'
import { decideOrder } from '../../../durable-objects/purchase/order-commands.ts'
import { effectDone, effectFailed } from '../../../durable-objects/purchase/order-effects.ts'
import { permits } from '../../../durable-objects/purchase/order-states.ts'
import type { Change, PurchaseState } from '../../../durable-objects/purchase/state.ts'
import { withStockAnswer } from '../../../durable-objects/purchase/stock-effects.ts'
import type { Order } from '../../../schema/http/order.ts'
import type { Refusal } from '../../../schema/outcome.ts'
import type { OrderAction } from '../../../schema/rpc/purchase.ts'

/** One in each number of decimals that ISO 4217 has for its minor units: 0, 2 and 3. */
const CURRENCIES = ['JPY', 'EUR', 'KWD']
const AT = 1_800_000_000_000

interface Draft {
  currency: string
  taxIncluded: boolean
  shipping: number
  lines: { quantity: number; unitPrice: number; discount: number; tax: number; items: number[] }[]
}

const draft: fc.Arbitrary<Draft> = fc.record({
  currency: fc.constantFrom(...CURRENCIES),
  taxIncluded: fc.boolean(),
  shipping: fc.integer({ min: 0, max: 999 }),
  lines: fc.array(
    fc.record({
      quantity: fc.integer({ min: 1, max: 7 }),
      unitPrice: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constant(10_000_000_000)),
      discount: fc.integer({ min: 0, max: 300 }),
      tax: fc.integer({ min: 0, max: 200 }),
      /** How many of items i0, i1, ... a unit is: none for digital goods, several for a bundle. */
      items: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

function placed({ currency, taxIncluded, shipping, lines }: Draft): PurchaseState {
  const money = (amount: number) => ({ amount, currency })
  const orderLines: Order['lines'] = lines.map((line, index) => {
    const subtotal = line.unitPrice * line.quantity
    const discount = Math.min(line.discount, subtotal)
    return {
      id: `line_${index + 1}`,
      sku: `S${index}`,
      title: 'S',
      quantity: line.quantity,
      fulfilled: 0,
      cancelled: 0,
      returned: 0,
      credited: 0,
      unitPrice: money(line.unitPrice),
      discount: money(discount),
      tax: money(Math.min(line.tax, subtotal - discount)),
      total: money(subtotal - discount),
      properties: {},
    }
  })
  const sum = (of: (line: Order['lines'][number]) => number) => orderLines.reduce((s, l) => s + of(l), 0)
  const tax = sum((line) => line.tax.amount)
  const goods = sum((line) => line.total.amount)
  const total = goods + shipping + (taxIncluded ? 0 : tax)
  const order = {
    id: 'ord_a',
    currency,
    status: 'placed',
    paymentStatus: total === 0 ? 'paid' : 'authorized',
    fulfillmentStatus: 'unfulfilled',
    lines: orderLines,
    totals: {
      subtotal: money(sum((line) => line.unitPrice.amount * line.quantity)),
      discount: money(sum((line) => line.discount.amount)),
      shipping: money(shipping),
      tax: money(tax),
      total: money(total),
      taxIncluded,
      taxes: [],
    },
    payments:
      total === 0
        ? []
        : [
            {
              id: 'pay_1',
              provider: 'test',
              status: 'authorized',
              amount: money(total),
              captured: money(0),
              refunded: money(0),
              createdAt: '',
            },
          ],
    fulfillments: [],
    refunds: [],
    returns: [],
    cancellation: null,
    metadata: {},
    note: null,
    version: 1,
  } as unknown as Order
  const stock = lines.map(({ items }) => items.map((quantity, item) => ({ item: `i${item}`, quantity })))
  const allocated = new Map<string, number>()
  lines.forEach(({ quantity }, index) => {
    for (const has of stock[index]!) {
      allocated.set(has.item, (allocated.get(has.item) ?? 0) + has.quantity * quantity)
    }
  })
  return {
    purchaseId: 'a',
    settings: { store: { slug: 's' } },
    lines: lines.map(({ quantity }, index) => ({
      quantity,
      facts: { sku: `S${index}`, stock: stock[index], maxPerCustomer: null },
    })),
    customer: null,
    attempt: null,
    order,
    allocations: [...allocated].map(([item, quantity]) => ({ kind: 'stock', item, quantity })),
    effects: [],
    deallocations: [],
    stockEffects: [],
    timeline: [],
  } as unknown as PurchaseState
}

/** `at` and `units` are picked from what the order has then. */
type Step =
  | { do: 'capture' | 'cancel whole' | 'fulfill whole' | 'refund rest' | 'deliver' | 'stock' }
  | { do: 'cancel' | 'fulfill' | 'refund lines' | 'return' | 'receive'; line: number; units: number }
  | { do: 'refund'; amount: number }
  | { do: 'provider'; isDone: boolean }

const some = fc.integer({ min: 0, max: 7 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('cancel' as const, 'fulfill', 'refund lines', 'return', 'receive'),
    line: some,
    units: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    do: fc.constantFrom('capture' as const, 'fulfill whole', 'refund rest', 'deliver', 'stock'),
  }),
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('capture' as const, 'stock', 'cancel whole') }) },
  fc.record({ do: fc.constant('refund' as const), amount: fc.integer({ min: 1, max: 1_500 }) }),
  fc.record({ do: fc.constant('provider' as const), isDone: fc.boolean() }),
)

/** The world around an order: a provider and stock items that refuse what cannot be. */
class Life {
  state: PurchaseState
  readonly first: PurchaseState
  readonly total: number
  captured = 0
  refunded = 0
  isVoided = false
  hasFreeRefund = false
  allocated: Map<string, number>
  gone = new Map<string, number>()

  constructor(of: Draft) {
    this.state = placed(of)
    this.first = this.state
    this.total = this.state.order!.totals.total.amount
    this.allocated = new Map(this.state.allocations.map(({ item, quantity }) => [item, quantity]))
  }

  act(step: Step): void {
    if (step.do === 'provider') this.provide(step.isDone)
    else if (step.do === 'stock') this.tellStock()
    else this.command(step)
  }

  command(step: Exclude<Step, { do: 'provider' }>): void {
    const action = this.#actionOf(step)
    if (!action || !permits(this.state.order!, action.do)) return
    const decided = this.#decide(action)
    if ('ok' in decided) return
    if (action.do === 'refund' && !action.lines) this.hasFreeRefund = true
    expect(decided.state.order!.version).toBe(this.state.order!.version + 1)
    this.state = decided.state
    this.deallocate()
  }

  #decide(action: OrderAction): Change | Refusal {
    if (action.do !== 'fulfill') return decideOrder(this.state, action, 'root', AT)
    const wanted = unitsToShip(this.state, action.lines)
    return wanted.ok ? fulfillOrder(this.state, action, wanted.units, AT) : wanted
  }

  #actionOf(step: Exclude<Step, { do: 'provider' }>): OrderAction | null {
    const order = this.state.order!
    const lines =
      'line' in step
        ? [{ lineId: order.lines[step.line % order.lines.length]!.id, quantity: step.units }]
        : null
    switch (step.do) {
      case 'capture':
        return { do: 'capture' }
      case 'cancel whole':
      case 'cancel':
        return { do: 'cancel', lines, reason: null }
      case 'fulfill whole':
      case 'fulfill':
        return { do: 'fulfill', lines, location: null, tracking: null }
      case 'refund rest':
      case 'refund lines':
        return { do: 'refund', amount: null, lines, reason: null }
      case 'refund': {
        const amount = { amount: step.amount, currency: order.currency }
        return { do: 'refund', amount, lines: null, reason: null }
      }
      case 'deliver': {
        const fulfillmentId = order.fulfillments.find(({ deliveredAt }) => deliveredAt === null)?.id
        return fulfillmentId ? { do: 'deliver', fulfillmentId } : null
      }
      case 'return':
        return {
          do: 'return',
          lines: lines!.map((line) => ({ ...line, reason: null })),
          isRefunded: step.units !== 1,
          received: null,
        }
      case 'receive': {
        const back = order.returns.find(({ status }) => status === 'requested')
        const came = back?.lines.map(({ lineId, quantity }) => ({
          lineId,
          quantity: Math.min(quantity, step.units),
          disposition: 'restock' as const,
          location: 'main',
          locationPriority: 0,
        }))
        return back ? { do: 'receive', returnId: back.id, lines: came! } : null
      }
      default:
        return null
    }
  }

  /** The provider does the first effect of the payment or fails to; it never does more than it could. */
  provide(isDone: boolean): void {
    const effect = this.state.effects[0]
    if (!effect) return
    if (!isDone) {
      this.state = effectFailed(this.state, effect, AT).state
      return
    }
    const { amount } = effect.request.amount
    expect(amount).toBeGreaterThan(0)
    if (effect.do === 'capture') {
      expect(this.captured).toBe(0)
      expect(this.isVoided).toBe(false)
      expect(amount).toBeLessThanOrEqual(this.total)
      this.captured = amount
    } else if (effect.do === 'refund') {
      expect(amount).toBeLessThanOrEqual(this.captured - this.refunded)
      this.refunded += amount
    } else {
      expect(this.captured).toBe(0)
      this.isVoided = true
    }
    this.state = effectDone(this.state, effect, AT).state
  }

  tellStock(): void {
    for (const effect of this.state.stockEffects) {
      if (effect.do === 'fulfill') {
        const left = this.allocated.get(effect.item)! - effect.quantity
        expect(left).toBeGreaterThanOrEqual(0)
        this.allocated.set(effect.item, left)
        this.gone.set(effect.item, (this.gone.get(effect.item) ?? 0) + effect.quantity)
      } else {
        this.gone.set(effect.item, this.gone.get(effect.item)! - effect.quantity)
        expect(this.gone.get(effect.item)).toBeGreaterThanOrEqual(0)
      }
      const taken = [{ location: 'main', lot: '', quantity: effect.quantity }]
      this.state = withStockAnswer(this.state, effect, { taken }, AT)
    }
  }

  deallocate(): void {
    for (const { item, quantity } of this.state.deallocations) {
      const left = this.allocated.get(item)! - quantity
      expect(left).toBeGreaterThanOrEqual(0)
      this.allocated.set(item, left)
    }
    this.state = { ...this.state, deallocations: [] }
  }

  check(): void {
    const order = this.state.order!
    const open = new Map<string, number>()
    order.lines.forEach((line, index) => {
      const left = line.quantity - line.fulfilled - line.cancelled
      expect(left).toBeGreaterThanOrEqual(0)
      expect(line.returned).toBeLessThanOrEqual(line.fulfilled)
      expect(line.credited).toBeLessThanOrEqual(line.quantity)
      const back = order.returns.flatMap(({ lines, ...of }) =>
        lines.filter(({ lineId }) => lineId === line.id).map((units) => ({ ...of, ...units })),
      )
      const sum = (of: (units: (typeof back)[number]) => number) =>
        back.reduce((all, units) => all + of(units), 0)
      const agreed = sum(({ status, quantity }) => (status === 'requested' ? quantity : 0))
      expect(line.returned + agreed).toBeLessThanOrEqual(line.fulfilled)
      const forMoney = sum(({ refund, restocked }) => (refund ? restocked : 0))
      expect(line.credited).toBeGreaterThanOrEqual(line.cancelled + forMoney)
      for (const { item, quantity } of this.state.lines[index]!.facts.stock) {
        open.set(item, (open.get(item) ?? 0) + quantity * left)
      }
    })
    const has = new Map(this.state.allocations.map(({ item, quantity }) => [item, quantity]))
    const leaving = this.state.stockEffects.filter((effect) => effect.do === 'fulfill')
    for (const [item, units] of this.allocated) {
      expect(has.get(item) ?? 0).toBe(open.get(item) ?? 0)
      const pending = leaving.filter((effect) => effect.item === item)
      expect(units).toBe((has.get(item) ?? 0) + pending.reduce((sum, { quantity }) => sum + quantity, 0))
    }
    const [payment] = order.payments
    if (!payment) return
    expect([payment.captured.amount, payment.refunded.amount]).toEqual([this.captured, this.refunded])
    expect(this.captured - this.refunded).toBeGreaterThanOrEqual(0)
    const told = order.refunds.filter(({ status }) => status === 'succeeded')
    expect(told.reduce((sum, { amount }) => sum + amount.amount, 0)).toBe(this.refunded)
  }

  /** All that was written down happens. */
  calm(): void {
    while (this.state.effects.length > 0) this.provide(true)
    this.tellStock()
    this.check()
  }
}

test('money in is what was captured less what was refunded, and units are shipped, cancelled or open', () => {
  fc.assert(
    fc.property(draft, fc.array(step, { maxLength: 30, size: 'max' }), (of, steps) => {
      const life = new Life(of)
      for (const each of steps) {
        life.act(each)
        life.check()
      }
      life.calm()
      const order = life.state.order!
      const money = life.captured - life.refunded
      if (order.status === 'cancelled') expect(money).toBe(0)
      if (order.payments.length > 0 && life.captured === 0 && dueOf(order) === 0n) {
        expect(life.isVoided).toBe(true)
      }
      const isTaken = life.captured > 0 || life.isVoided
      if (isTaken && !life.hasFreeRefund && order.status !== 'cancelled') {
        expect(BigInt(money)).toBe(dueOf(order))
      }
      if (order.paymentStatus === 'authorized') expect([life.captured, life.isVoided]).toEqual([0, false])
      if (order.fulfillmentStatus === 'returned') {
        expect(order.lines.every(({ returned, fulfilled }) => returned === fulfilled)).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the parts in which a line is given back sum to the line, in any order and of any size', () => {
  fc.assert(
    fc.property(
      draft,
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 30, maxLength: 30 }),
      (of, sizes) => {
        const life = new Life(of)
        life.act({ do: 'capture' })
        life.provide(true)
        const paid = life.captured
        for (const [index, units] of sizes.entries()) life.act({ do: 'refund lines', line: index, units })
        for (let line = 0; line < of.lines.length; line++) {
          for (let i = 0; i < 7; i++) life.act({ do: 'refund lines', line, units: 1 })
        }
        life.calm()
        const { order } = life.state
        const isAll = order!.lines.every(
          (line) => line.credited === line.quantity || lineValue(order!, line) < BigInt(line.quantity),
        )
        fc.pre(isAll)
        const worth = order!.lines.reduce((sum, line) => sum + lineValue(order!, { ...line }), 0n)
        const given = order!.lines.every(({ credited, quantity }) => credited === quantity)
        if (given && paid > 0) expect(BigInt(life.refunded)).toBe(worth)
      },
    ),
    { numRuns: 500 },
  )
})
