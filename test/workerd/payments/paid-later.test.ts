import { expect, test } from 'vitest'
import { ok, Shopper, stamp, stocked } from '../purchase/shop.ts'

const BY_HAND = { provider: 'manual', token: 'invoice', returnUrl: null }

/** The answer to a checkout that is paid by hand, in a store that captures by itself. */
async function order(shopper: Shopper, unitPrice: number) {
  ok(await shopper.create([[await stocked(3, { unitPrice }), 2]]))
  const { attempt } = ok(await shopper.begin('invoice', { payment: BY_HAND, idempotency: stamp() }))
  const { step } = await shopper.run(attempt, 'capture')
  if (step.do !== 'finished' || step.answer.kind !== 'placed') throw new Error(JSON.stringify(step))
  return step.answer.order
}

test('an order paid by hand is placed, pending, and nothing is captured by itself', async () => {
  const shopper = new Shopper()
  const placed = await order(shopper, 1000)
  expect(placed).toMatchObject({
    status: 'placed',
    paymentStatus: 'pending',
    payments: [{ provider: 'manual' }],
  })
  expect(placed.payments[0]!.captured.amount).toBe(0)
  expect(await shopper.rpc.pendingEffects()).toEqual([])
  expect((await shopper.events()).map(({ type }) => type)).toEqual(['order.placed'])
})

test('an order of nothing to pay is paid, whoever would have been asked', async () => {
  expect(await order(new Shopper(), 0)).toMatchObject({ paymentStatus: 'paid', payments: [] })
})
