import { describe, expect, test } from 'vitest'
import { mergeLines } from '../../../worker/carts/create-cart.ts'
import { offeredMethods } from '../../../worker/carts/shipping-methods.ts'

describe('lines of a new cart', () => {
  test('are summed where a SKU repeats, in the order of first sight, with the last properties given', () => {
    const merged = mergeLines([
      { sku: 'A', quantity: 1, properties: { engraving: 'x' } },
      { sku: 'B', quantity: 2 },
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 1, properties: { engraving: 'y' } },
    ])
    expect([...merged]).toEqual([
      ['A', { quantity: 4, properties: { engraving: 'x' } }],
      ['B', { quantity: 3, properties: { engraving: 'y' } }],
    ])
  })
})

describe('shipping methods', () => {
  const terms = {
    code: 'eu',
    currency: 'EUR',
    countries: [],
    pricesIncludeTax: true,
    taxRates: [],
    discounts: [],
    shippingMethods: [
      { code: 'standard', title: 'Standard', countries: [], price: 0 },
      { code: 'express', title: 'Express', countries: ['DE'], price: 990 },
    ],
  }
  test.each([
    [null, ['standard', 'express']],
    ['DE', ['standard', 'express']],
    ['FR', ['standard']],
  ])('for the country %j are %j', (country, codes) => {
    expect(offeredMethods(terms, country).map(({ code }) => code)).toEqual(codes)
  })
})
