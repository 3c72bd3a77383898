import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocateAmount } from '../../../durable-objects/purchase/allocate-amount.ts'
import { priceCart, type ToPrice } from '../../../durable-objects/purchase/totals.ts'
import { type Discount, type DiscountBody, discountBodySchema } from '../../../schema/http/discount.ts'
import type { MarketTerms, VariantFacts } from '../../../schema/rpc/catalogue-facts.ts'
import { factsOf, TERMS } from './shop.ts'

const AT = Date.UTC(2026, 10, 20)
/** Of exponents 2, 0 and 3: to whoever counts in minor units they are the same. */
const CURRENCIES = ['EUR', 'JPY', 'KWD'] as const

type Given = Partial<DiscountBody> & Pick<DiscountBody, 'kind'> & { code?: string }

/** As staff would have put it. */
function offer({ code = 'code', ...given }: Given): Discount {
  const body = discountBodySchema.parse(given)
  return { ...body, code, title: code }
}

const percentage = (value: string, more: object = {}) =>
  offer({ kind: 'percentage', value, ...more } as Given)
const fixed = (amount: number, more: object = {}) =>
  offer({ kind: 'fixed', value: { EUR: amount, JPY: amount, KWD: amount }, ...more } as Given)

interface Wanted {
  lines: [unitPrice: number, quantity: number, facts?: Partial<VariantFacts>][]
  coded?: Discount[]
  automatic?: Discount[]
  terms?: Partial<MarketTerms>
  at?: number
}

function price({ lines, coded = [], automatic = [], terms = {}, at = AT }: Wanted) {
  const cart: ToPrice = {
    lines: lines.map(([unitPrice, quantity, facts], index) => ({
      facts: factsOf(`S${index}`, { unitPrice, ...facts }),
      quantity,
      properties: {},
    })),
    terms: {
      ...TERMS,
      countries: ['DE'],
      shippingMethods: [{ code: 'standard', title: 'S', countries: [], price: 490 }],
      discounts: automatic,
      ...terms,
    },
    discounts: coded.map((discount) => ({ discount })),
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: 'standard',
  }
  return priceCart(cart, at)
}

const off = (wanted: Wanted) => price(wanted).lines.map(({ discount }) => discount.amount)
const codes = (wanted: Wanted) => price(wanted).discounts.given.map(({ discount }) => discount.code)
const reasons = (wanted: Wanted) => price(wanted).discounts.idle.map(({ reason }) => reason)

describe('a discount', () => {
  test('of a part is rounded once, half up, and its remainder goes to the lines with the largest rest', () => {
    // 10 % of 1.05 is 10.5 cents: 11, not the 3 x 4 that lines alone would give.
    const lines: Wanted['lines'] = [
      [35, 1],
      [35, 1],
      [35, 1],
    ]
    expect(off({ lines, coded: [percentage('0.1')] })).toEqual([4, 4, 3])
    expect(off({ lines: [[5, 1]], coded: [percentage('0.5')] })).toEqual([3])
    expect(off({ lines: [[999, 3]], coded: [percentage('1')] })).toEqual([2997])
  })

  test('of an amount is spread by what lines cost and never above it', () => {
    expect(
      off({
        lines: [
          [1000, 1],
          [2000, 1],
        ],
        coded: [fixed(100)],
      }),
    ).toEqual([33, 67])
    const all = price({
      lines: [
        [300, 1],
        [100, 2],
      ],
      coded: [fixed(10_000)],
    })
    expect(all.lines.map(({ total }) => total.amount)).toEqual([0, 0])
    expect(all.totals).toMatchObject({ discount: { amount: 500 }, total: { amount: 490 } })
  })

  test('of an amount in other currencies only gives nothing', () => {
    const coded = [offer({ kind: 'fixed', value: { USD: 100 } })]
    expect(reasons({ lines: [[1000, 1]], coded })).toEqual(['nothing_to_discount'])
  })

  test('of the shipping takes off the shipping and no line', () => {
    const free = price({ lines: [[1000, 1]], coded: [offer({ kind: 'free_shipping' })] })
    expect(free.totals).toMatchObject({
      shipping: { amount: 0 },
      discount: { amount: 0 },
      total: { amount: 1000 },
    })
    expect(free.discounts.given[0]?.off.amount).toBe(490)
  })

  test('that gives units gives the cheapest of each group', () => {
    const coded = [offer({ kind: 'buy_x_get_y', value: { buy: 2, get: 1, share: '1', from: null } })]
    expect(
      off({
        lines: [
          [500, 2],
          [300, 1],
        ],
        coded,
      }),
    ).toEqual([0, 300])
    expect(
      off({
        lines: [
          [500, 5],
          [300, 1],
        ],
        coded,
      }),
    ).toEqual([500, 300])
    expect(
      off({
        lines: [
          [500, 1],
          [300, 1],
        ],
        coded,
      }),
    ).toEqual([0, 0])
  })

  test('that gives other goods counts what was bought and gives no more than is there', () => {
    const from = { skus: ['S0'], products: [], categories: [] }
    const appliesTo = { skus: ['S1'], products: [], categories: [] }
    const value = { buy: 2, get: 1, share: '0.5', from }
    const coded = [offer({ kind: 'buy_x_get_y', value, appliesTo })]
    expect(
      off({
        lines: [
          [500, 4],
          [301, 3],
        ],
        coded,
      }),
    ).toEqual([0, 301])
    expect(
      off({
        lines: [
          [500, 9],
          [300, 1],
          [100, 9],
        ],
        coded,
      }),
    ).toEqual([0, 150, 0])
    expect(
      off({
        lines: [
          [500, 1],
          [300, 1],
        ],
        coded,
      }),
    ).toEqual([0, 0])
  })

  test('applies to the SKUs, products and categories that it names', () => {
    const lines: Wanted['lines'] = [
      [1000, 1],
      [1000, 1, { productHandle: 'tee' }],
      [1000, 1, { categories: ['clothes', 'sale'] }],
      [1000, 1, { categories: ['food'] }],
    ]
    const appliesTo = { skus: ['S0'], products: ['tee'], categories: ['sale'] }
    expect(off({ lines, coded: [percentage('0.1', { appliesTo })] })).toEqual([100, 100, 100, 0])
  })

  test('needs its minimum of what it applies to, in the currency of the market', () => {
    const limits = { minimumSpend: { EUR: 2000 } }
    const appliesTo = { skus: ['S0'], products: [], categories: [] }
    const coded = [percentage('0.1', { limits, appliesTo })]
    expect(
      reasons({
        lines: [
          [1999, 1],
          [5000, 1],
        ],
        coded,
      }),
    ).toEqual(['minimum_not_met'])
    expect(
      off({
        lines: [
          [2000, 1],
          [5000, 1],
        ],
        coded,
      }),
    ).toEqual([200, 0])
    const inDollars = { currency: 'USD' }
    expect(reasons({ lines: [[2000, 1]], coded, terms: inDollars })).toEqual(['minimum_not_met'])
  })

  test('is given in its markets, from its start and before its end', () => {
    const lines: Wanted['lines'] = [[1000, 1]]
    const limits = { markets: ['eu'] }
    expect(reasons({ lines, coded: [percentage('0.1', { limits })] })).toEqual(['not_in_market'])
    const coded = [percentage('0.1', { startsAt: '2026-11-20T00:00:00Z', endsAt: '2026-11-21' })]
    expect(reasons({ lines, coded, at: AT - 1 })).toEqual(['not_started'])
    expect(off({ lines, coded })).toEqual([100])
    expect(off({ lines, coded, at: AT + 86_400_000 - 1 })).toEqual([100])
    expect(reasons({ lines, coded, at: AT + 86_400_000 })).toEqual(['ended'])
  })
})

describe('several discounts', () => {
  const lines: Wanted['lines'] = [[1000, 1]]

  test('that combine are given together, each of what is left: units, then parts, then amounts', () => {
    const isCombinable = true
    const coded = [fixed(100, { code: 'f', isCombinable }), percentage('0.5', { code: 'p', isCombinable })]
    expect(off({ lines, coded })).toEqual([600])
    expect(codes({ lines, coded })).toEqual(['p', 'f'])
  })

  test('that do not combine are given one at a time: the one that takes off most', () => {
    const automatic = [percentage('0.2', { code: 'everybody', isAutomatic: true })]
    const small = { lines, automatic, coded: [percentage('0.1')] }
    expect(codes(small)).toEqual(['everybody'])
    expect(reasons(small)).toEqual(['better_one_applies'])
    expect(codes({ lines, automatic, coded: [percentage('0.3')] })).toEqual(['code'])
  })

  test('of the same worth spare the code', () => {
    const automatic = [percentage('0.2', { code: 'zz', isAutomatic: true })]
    expect(codes({ lines, automatic, coded: [percentage('0.2', { code: 'aa' })] })).toEqual(['zz'])
  })
})

describe('an amount that is split', () => {
  test('always sums to the whole, no part above its weight, and no part depends on the order', () => {
    const amounts = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(amounts, fc.double({ min: 0, max: 1, noNaN: true }), (drawn, part) => {
        const weights = drawn.map((amount, index) => ({ key: `k${index}`, amount: BigInt(amount) }))
        const sum = weights.reduce((total, { amount }) => total + amount, 0n)
        const whole = BigInt(Math.floor(Number(sum) * part))
        const parts = allocateAmount(whole, weights)
        expect(parts.reduce((total, one) => total + one, 0n)).toBe(sum === 0n ? 0n : whole)
        for (const [index, one] of parts.entries())
          expect(one >= 0n && one <= weights[index]!.amount).toBe(true)
        const turned = allocateAmount(whole, [...weights].reverse()).reverse()
        expect(turned).toEqual(parts)
      }),
    )
  })
})

describe('totals with discounts', () => {
  const share = fc.constantFrom('0.000001', '0.05', '0.1', '0.333333', '0.5', '0.999999', '1')
  const scope = fc.option(
    fc.constantFrom(
      { skus: ['S0', 'S2'], products: [], categories: [] },
      { skus: [], products: ['p1'], categories: ['c0'] },
    ),
  )
  const kind = fc.oneof(
    fc.record({ kind: fc.constant('percentage' as const), value: share }),
    fc.record({
      kind: fc.constant('fixed' as const),
      value: fc.nat(3_000_000).map((amount) => ({ EUR: amount, JPY: amount, KWD: amount })),
    }),
    fc.constant({ kind: 'free_shipping' as const }),
    fc.record({
      kind: fc.constant('buy_x_get_y' as const),
      value: fc.record({
        buy: fc.integer({ min: 1, max: 3 }),
        get: fc.integer({ min: 1, max: 3 }),
        share,
        from: scope,
      }),
    }),
  )
  const discounts = fc
    .array(
      fc.tuple(kind, fc.record({ appliesTo: scope, isAutomatic: fc.boolean(), isCombinable: fc.boolean() })),
      { maxLength: 5 },
    )
    .map((drawn) => drawn.map(([what, how], index) => offer({ ...what, ...how, code: `d${index}` } as Given)))
  const lines = fc.array(
    fc.tuple(
      fc.nat(100_000),
      fc.integer({ min: 1, max: 50 }),
      fc.record({
        taxCategory: fc.constantFrom('standard', 'reduced', 'none'),
        productHandle: fc.constantFrom('p0', 'p1'),
        categories: fc.constantFrom<string[]>([], ['c0'], ['c0', 'c1']),
      }),
    ),
    { maxLength: 8 },
  )
  const rate = (decimal: string, taxCategory: string) => ({
    code: taxCategory,
    name: taxCategory,
    country: 'DE',
    region: null,
    taxCategory,
    rate: decimal,
    validFrom: null,
    isReverseCharge: false,
  })
  const market = fc.record({
    currency: fc.constantFrom(...CURRENCIES),
    pricesIncludeTax: fc.boolean(),
    taxRates: fc
      .tuple(fc.constantFrom('0', '0.07', '0.19', '1'), fc.constantFrom('0.055', '0.0825', '0.21'))
      .map(([a, b]) => [rate(a, 'standard'), rate(b, 'reduced')]),
  })
  const sum = (amounts: { amount: number }[]) => amounts.reduce((total, { amount }) => total + amount, 0)

  test('always sum, take off no more than there is, and do not depend on the order of lines or codes', () => {
    fc.assert(
      fc.property(lines, discounts, market, (drawn, drawnDiscounts, terms) => {
        const all = drawn.map(([unitPrice, quantity, facts], index): Wanted['lines'][number] => [
          unitPrice,
          quantity,
          { ...facts, sku: `S${index}` },
        ])
        const automatic = drawnDiscounts.filter(({ isAutomatic }) => isAutomatic)
        const coded = drawnDiscounts.filter(({ isAutomatic }) => !isAutomatic)
        const priced = price({ lines: all, coded, automatic, terms })
        const { totals } = priced
        priced.lines.forEach(({ discount, total, tax }, index) => {
          const whole = all[index]![0] * all[index]![1]
          expect(discount.amount).toBeGreaterThanOrEqual(0)
          expect(total.amount).toBeGreaterThanOrEqual(0)
          expect(discount.amount + total.amount).toBe(whole)
          if (terms.pricesIncludeTax) expect(tax.amount).toBeLessThanOrEqual(total.amount)
        })
        expect(sum(priced.lines.map(({ discount }) => discount))).toBe(totals.discount.amount)
        expect(sum(priced.lines.map(({ total }) => total))).toBe(
          totals.subtotal.amount - totals.discount.amount,
        )
        expect(sum(totals.taxes.map(({ amount }) => amount))).toBe(totals.tax.amount)
        expect(totals.total.amount).toBe(
          totals.subtotal.amount -
            totals.discount.amount +
            totals.shipping.amount +
            (terms.pricesIncludeTax ? 0 : totals.tax.amount),
        )
        const shippingOff = (all.length > 0 ? 490 : 0) - totals.shipping.amount
        expect(sum(priced.discounts.given.map(({ off }) => off))).toBe(totals.discount.amount + shippingOff)
        const turned = price({
          lines: [...all].reverse(),
          coded: [...coded].reverse(),
          automatic: [...automatic].reverse(),
          terms,
        })
        expect({
          ...turned.totals,
          taxes: new Set(turned.totals.taxes.map((one) => JSON.stringify(one))),
        }).toEqual({ ...totals, taxes: new Set(totals.taxes.map((one) => JSON.stringify(one))) })
      }),
      { numRuns: 1_000 },
    )
  })

  test('agree with tax in the prices and on top of them, line by line', () => {
    const decimals = fc.constantFrom('0.07', '0.19', '0.21', '0.055', '0.0825', '1')
    fc.assert(
      fc.property(fc.nat(10_000_000), decimals, (net, decimal) => {
        const terms = { taxRates: [rate(decimal, 'standard')], shippingMethods: [] }
        const onTop = price({ lines: [[net, 1]], terms: { ...terms, pricesIncludeTax: false } }).totals
        const inside = price({ lines: [[onTop.total.amount, 1]], terms }).totals
        expect(inside.tax).toEqual(onTop.tax)
        expect(inside.total).toEqual(onTop.total)
        expect(inside.taxes).toEqual(onTop.taxes)
      }),
    )
  })
})
