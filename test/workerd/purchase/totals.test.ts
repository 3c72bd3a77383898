import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Line } from '../../../durable-objects/purchase/state.ts'
import { fractionOf, pickRate, taxOf } from '../../../durable-objects/purchase/tax.ts'
import { priceCart, type ToPrice } from '../../../durable-objects/purchase/totals.ts'
import { AMOUNT_MINOR_MAX } from '../../../schema/money.ts'
import type { MarketTerms, TaxRate } from '../../../schema/rpc/catalogue-facts.ts'
import { factsOf, TERMS } from './shop.ts'

const AT = Date.UTC(2026, 10, 20)

function rate(decimal: string, over: Partial<TaxRate> = {}): TaxRate {
  const code = over.code ?? `r-${decimal}`
  const found = {
    name: `VAT ${decimal}`,
    country: 'DE',
    region: null,
    taxCategory: 'standard',
    validFrom: null,
    isReverseCharge: false,
  }
  return { ...found, code, rate: decimal, ...over }
}

function line(unitPrice: number, quantity: number, taxCategory = 'standard', requiresShipping = true): Line {
  return {
    facts: factsOf(`S-${unitPrice}`, { unitPrice, taxCategory, requiresShipping }),
    quantity,
    properties: {},
  }
}

function cart(over: Partial<Omit<ToPrice, 'terms'>> & { terms?: Partial<MarketTerms> }): ToPrice {
  const terms = { ...TERMS, countries: ['DE'], ...over.terms }
  return {
    lines: [],
    discounts: [],
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: null,
    ...over,
    terms,
  }
}

const EUR = (amount: number) => ({ amount, currency: 'EUR' })

describe('tax', () => {
  test.each([
    ['0.19', 11_900, true, 1_900],
    ['0.19', 1_999, true, 319],
    ['0.07', 107, true, 7],
    ['0.19', 10_000, false, 1_900],
    ['0.19', 1_999, false, 380],
    ['0.5', 1, false, 1],
    ['0.0825', 1_000, false, 83],
    ['0', 1_000, true, 0],
    ['1', 1, true, 1],
    ['0.19', AMOUNT_MINOR_MAX, false, 190_000_000_000],
  ])('of %s on %i, included %j, is %i: half up to the minor unit', (decimal, amount, isIncluded, tax) => {
    expect(taxOf(amount, fractionOf(decimal), isIncluded)).toBe(tax)
  })

  test('takes the rate of the region before that of its country, and the newest that is in force', () => {
    const rates = [
      rate('0.19', { code: 'old' }),
      rate('0.21', { code: 'new', validFrom: '2026-01-01T00:00:00Z' }),
      rate('0.25', { code: 'later', validFrom: '2027-01-01T00:00:00Z' }),
      rate('0.1', { code: 'island', region: 'HELGOLAND' }),
      rate('0.07', { code: 'food', taxCategory: 'reduced' }),
    ]
    const code = (region: string | null, category = 'standard', country: string | null = 'DE') =>
      pickRate(rates, { country, region }, category, AT)?.code ?? null
    expect(code(null)).toBe('new')
    expect(code('BERLIN')).toBe('new')
    expect(code('HELGOLAND')).toBe('island')
    expect(code('HELGOLAND', 'reduced')).toBe('food')
    expect(code(null, 'standard', 'FR')).toBeNull()
    expect(code(null, 'standard', null)).toBeNull()
  })
})

describe('totals', () => {
  test('with tax in the prices take it out of them, grouped by rate, shipping by the standard one', () => {
    const priced = priceCart(
      cart({
        lines: [line(11_900, 1), line(107, 2, 'reduced')],
        shippingMethod: 'standard',
        terms: {
          taxRates: [rate('0.19'), rate('0.07', { taxCategory: 'reduced' })],
          shippingMethods: [{ code: 'standard', title: 'S', countries: [], price: 595 }],
        },
      }),
      AT,
    )
    expect(priced.totals).toEqual({
      subtotal: EUR(12_114),
      discount: EUR(0),
      shipping: EUR(595),
      tax: EUR(2_009),
      total: EUR(12_709),
      taxIncluded: true,
      taxes: [
        { name: 'VAT 0.19', rate: '0.19', taxable: EUR(10_500), amount: EUR(1_995) },
        { name: 'VAT 0.07', rate: '0.07', taxable: EUR(200), amount: EUR(14) },
      ],
    })
  })

  test('with tax on top add it', () => {
    const terms = { pricesIncludeTax: false, taxRates: [rate('0.19')] }
    const priced = priceCart(cart({ lines: [line(1_999, 3)], terms }), AT)
    expect(priced.totals).toMatchObject({ subtotal: EUR(5_997), tax: EUR(1_139), total: EUR(7_136) })
  })

  test('show no tax before it is known where the goods go, unless the market has one country only', () => {
    const terms = { taxRates: [rate('0.19')] }
    const lines = [line(11_900, 1)]
    expect(priceCart(cart({ lines, terms }), AT).totals.tax).toEqual(EUR(1_900))
    const wide = { ...terms, countries: ['DE', 'FR'] }
    expect(priceCart(cart({ lines, terms: wide }), AT).totals).toMatchObject({ tax: EUR(0), taxes: [] })
    const toGermany = cart({ lines, terms: wide, shippingAddress: { country: 'DE' } })
    expect(priceCart(toGermany, AT).totals.tax).toEqual(EUR(1_900))
  })

  test('charge no shipping where nothing ships', () => {
    const terms = { shippingMethods: [{ code: 'standard', title: 'S', countries: [], price: 595 }] }
    const lines = [line(1_000, 1, 'standard', false)]
    expect(priceCart(cart({ lines, terms, shippingMethod: 'standard' }), AT).totals.shipping).toEqual(EUR(0))
  })

  describe('of a business abroad', () => {
    const german = rate('0.19', { isReverseCharge: true })
    const taxRates = [german, rate('0.07', { taxCategory: 'reduced', isReverseCharge: true })]
    const shippingMethods = [{ code: 'standard', title: 'S', countries: [], price: 595 }]
    const lines = [line(11_900, 2), line(107, 1, 'reduced')]
    const priced = (vatNumber: string | undefined, terms: Partial<MarketTerms> = {}) =>
      priceCart(
        cart({
          lines,
          shippingMethod: 'standard',
          billingAddress: { vatNumber },
          terms: { taxRates, shippingMethods, ...terms },
        }),
        AT,
      )

    test('are without tax, which it owes itself', () => {
      const { totals, lines: shown } = priced('DE123456789')
      expect(totals).toEqual({
        subtotal: EUR(20_100),
        discount: EUR(0),
        shipping: EUR(500),
        tax: EUR(0),
        total: EUR(20_600),
        taxIncluded: false,
        taxes: [
          { name: 'VAT 0.19', rate: '0', taxable: EUR(20_500), amount: EUR(0), isReverseCharge: true },
          { name: 'VAT 0.07', rate: '0', taxable: EUR(100), amount: EUR(0), isReverseCharge: true },
        ],
      })
      expect(shown.map(({ unitPrice, total }) => [unitPrice.amount, total.amount])).toEqual([
        [10_000, 20_000],
        [100, 100],
      ])
      expect(priced('DE123456789', { pricesIncludeTax: false }).totals).toMatchObject({
        total: EUR(23_907 + 595),
        tax: EUR(0),
      })
    })

    test('have the tax where the number is of another country, or the rate is not marked', () => {
      const usual = priced(undefined).totals
      expect(usual).toMatchObject({ total: EUR(24_502), taxIncluded: true })
      expect(priced('FR123456789').totals).toEqual(usual)
      const unmarked = taxRates.map((one) => ({ ...one, isReverseCharge: false }))
      expect(priced('DE123456789', { taxRates: unmarked }).totals).toEqual(usual)
    })

    test('have the tax of what is not marked, on top of prices without it', () => {
      const mixed = [german, rate('0.07', { taxCategory: 'reduced' })]
      expect(priced('DE123456789', { taxRates: mixed }).totals).toMatchObject({
        subtotal: EUR(20_100),
        tax: EUR(7),
        total: EUR(20_607),
        taxIncluded: false,
      })
    })

    test('know Greek numbers by EL', () => {
      const greek = [rate('0.24', { country: 'GR', isReverseCharge: true })]
      const { totals } = priceCart(
        cart({
          lines: [line(12_400, 1)],
          billingAddress: { vatNumber: 'EL123456789' },
          terms: { countries: ['GR'], taxRates: greek },
        }),
        AT,
      )
      expect(totals.total).toEqual(EUR(10_000))
    })
  })

  test('are refused one past the largest amount, and kept at it', () => {
    expect(priceCart(cart({ lines: [line(AMOUNT_MINOR_MAX, 1)] }), AT).totals.total).toEqual(
      EUR(AMOUNT_MINOR_MAX),
    )
    const isInRange = (lines: Line[]) => priceCart(cart({ lines }), AT).isInRange
    expect(isInRange([line(AMOUNT_MINOR_MAX, 1)])).toBe(true)
    expect(isInRange([line(AMOUNT_MINOR_MAX, 1), line(1, 1)])).toBe(false)
    expect(isInRange([line(AMOUNT_MINOR_MAX, 100_000)])).toBe(false)
  })

  test('always sum: whatever the lines, the rates and the kind of market', () => {
    const decimals = fc.constantFrom('0', '0.055', '0.07', '0.0825', '0.19', '0.2', '0.21', '1')
    const lines = fc.array(
      fc.record({
        price: fc.integer({ min: 0, max: 10_000_000 }),
        quantity: fc.integer({ min: 1, max: 100_000 }),
        category: fc.constantFrom('standard', 'reduced', 'none'),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(
        lines,
        decimals,
        decimals,
        fc.boolean(),
        fc.nat(100_000),
        (drawn, a, b, isIncluded, price) => {
          const priced = priceCart(
            cart({
              lines: drawn.map((it) => line(it.price, it.quantity, it.category)),
              shippingMethod: 'standard',
              terms: {
                pricesIncludeTax: isIncluded,
                taxRates: [rate(a), rate(b, { code: 'reduced', taxCategory: 'reduced' })],
                shippingMethods: [{ code: 'standard', title: 'S', countries: [], price }],
              },
            }),
            AT,
          )
          if (!priced.isInRange)
            return drawn.reduce((sum, it) => sum + it.price * it.quantity, price) * 2 > AMOUNT_MINOR_MAX
          const { totals } = priced
          const sum = (amounts: { amount: number }[]) =>
            amounts.reduce((total, { amount }) => total + amount, 0)
          const amounts = [totals.subtotal, totals.shipping, totals.tax, totals.total]
          for (const { amount } of amounts) {
            expect(Number.isSafeInteger(amount) && amount >= 0 && amount <= AMOUNT_MINOR_MAX).toBe(true)
          }
          expect(sum(priced.lines.map(({ total }) => total))).toBe(totals.subtotal.amount)
          expect(sum(totals.taxes.map(({ amount }) => amount))).toBe(totals.tax.amount)
          const lineTax = sum(priced.lines.map(({ tax }) => tax))
          expect(totals.tax.amount).toBeGreaterThanOrEqual(lineTax)
          expect(totals.total.amount).toBe(
            totals.subtotal.amount + totals.shipping.amount + (isIncluded ? 0 : totals.tax.amount),
          )
          if (isIncluded) expect(totals.tax.amount).toBeLessThanOrEqual(totals.total.amount)
        },
      ),
      { numRuns: 300 },
    )
  })
})
