import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cartId,
  derivedCart,
  newCart,
  newId,
  orderId,
  parseCartId,
  parseOrderId,
} from '../../../schema/ids.ts'

test('ids sort by the millisecond in which they were made', () => {
  const instants = [1, 999, 1_700_000_000_000, 1_700_000_000_001]
  const ids = instants.map((at) => newId('event', at))
  expect([...ids].sort()).toEqual(ids)
})

test('a cart id comes apart into the purchase and the secret that it was made of', () => {
  const cart = newCart(1_700_000_000_000)
  expect(parseCartId(cartId(cart))).toEqual(cart)
  expect(parseOrderId(orderId(cart.purchaseId))).toBe(cart.purchaseId)
})

test('a derived cart tells its secret to nobody who knows its id', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (digest) => {
      const cart = derivedCart(digest)
      expect(parseCartId(cartId(cart))).toEqual(cart)
      const sameHead = Uint8Array.from(digest, (byte, i) => (i < 28 ? byte : byte ^ 1))
      expect(derivedCart(sameHead).purchaseId).toBe(cart.purchaseId)
      expect(derivedCart(sameHead).secret).not.toBe(cart.secret)
    }),
  )
})

test.each([
  '',
  'cart_',
  'cart_x',
  `cart_${'A'.repeat(54)}`,
  `ord_${'0'.repeat(28)}`,
  `cart_${'0'.repeat(55)}`,
])('%j is no cart id', (id) => expect(parseCartId(id)).toBeNull())
