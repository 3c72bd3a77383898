import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AMOUNT_MINOR_MAX } from '../../../schema/money.ts'
import { stripeAmount } from '../../../worker/payments/stripe-amount.ts'

/** ISO 4217 exponents, and the one in which Stripe counts (docs.stripe.com/currencies); null: not described by Stripe. */
const EXPONENTS: Record<string, [iso: number, stripe: number | null]> = {
  EUR: [2, 2],
  USD: [2, 2],
  HUF: [2, 2],
  TWD: [2, 2],
  ...Object.fromEntries(
    ['BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'].map(
      (code) => [code, [0, 0]],
    ),
  ),
  ISK: [0, 2],
  UGX: [0, 2],
  MGA: [2, 0],
  BHD: [3, 3],
  JOD: [3, 3],
  KWD: [3, 3],
  OMR: [3, 3],
  TND: [3, 3],
  IQD: [3, null],
  LYD: [3, null],
  CLF: [4, null],
  UYW: [4, null],
}

describe('an amount for Stripe', () => {
  test('is the same money in every currency, or nothing', () => {
    const currencies = fc.constantFrom(...Object.keys(EXPONENTS))
    const amounts = fc.oneof(
      fc.integer({ min: 0, max: AMOUNT_MINOR_MAX }),
      fc.integer({ min: 0, max: 2_000 }),
    )
    fc.assert(
      fc.property(currencies, amounts, (currency, amount) => {
        const [iso, stripe] = EXPONENTS[currency]!
        const asked = stripeAmount({ amount, currency })
        if (asked === null) return
        expect(Number.isSafeInteger(asked)).toBe(true)
        expect(BigInt(asked) * 10n ** BigInt(iso)).toBe(BigInt(amount) * 10n ** BigInt(stripe!))
        if (iso === 3) expect(asked % 10).toBe(0)
      }),
    )
  })

  test.each([
    [1999, 'EUR', 1999],
    [500, 'JPY', 500],
    [5, 'ISK', 500],
    [5, 'UGX', 500],
    [500, 'MGA', 5],
    [501, 'MGA', null],
    [5120, 'KWD', 5120],
    [5124, 'KWD', null],
    [1000, 'IQD', null],
    [0, 'KWD', 0],
  ])('of %i %s is %s', (amount, currency, asked) => {
    expect(stripeAmount({ amount, currency })).toBe(asked)
  })
})
