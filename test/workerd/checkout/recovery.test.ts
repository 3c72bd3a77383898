import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { testClock } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { LEASE_MS } from '../../../schema/rpc/purchase.ts'
import { advanceCheckout } from '../../../worker/checkout/advance-checkout.ts'
import { testProvider } from '../../../worker/payments/test-provider.ts'
import { call, staff } from '../../support/api.ts'
import { checkout, readyCart, stocked } from '../../support/shop.ts'
import { beginAndDie, runAndDie, STORE } from './dying-runner.ts'

let sku = ''
let cartId = ''
let purchaseId = ''

beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
  const made = await readyCart([{ sku, quantity: 2 }])
  cartId = made.body.id
  purchaseId = parseCartId(cartId)!.purchaseId
  return () => {
    testClock.reset()
    vi.restoreAllMocks()
  }
})

async function begin(): Promise<number> {
  const attempt = await beginAndDie(cartId)
  expect(attempt).not.toBeNull()
  return attempt!
}

const readCart = async () => (await call('GET', `/v1/carts/${cartId}`)).body
const stock = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('a checkout that lost its runner', () => {
  test('before its first step is finished by the background', async () => {
    await begin()
    await exports.Background.advanceCheckout(STORE, purchaseId)
    expect(await readCart()).toMatchObject({ status: 'completed' })
    expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
  })

  test.each(['reprice', 'hold', 'authorize', 'place', 'capture'] as const)(
    'just before the step %j is taken over when the lease is overdue, and is one order',
    async (stop) => {
      const attempt = await begin()
      await runAndDie(cartId, attempt, stop)
      const early = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(early.kind).toBe('busy')
      testClock.advance(LEASE_MS + 1)
      const taken = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(taken).toMatchObject({ kind: 'answered', answer: { kind: 'placed' } })
      expect(await stock()).toMatchObject({ reserved: 0, allocated: 2 })
      const again = await advanceCheckout(env, STORE, purchaseId, attempt)
      expect(again).toEqual(taken)
    },
  )

  test('and its object as well is finished by the alarm', async () => {
    await begin()
    const stub = env.PURCHASE.get(env.PURCHASE.idFromName(`default/${purchaseId}`))
    await evictDurableObject(stub)
    testClock.advance(LEASE_MS + 1)
    await runDurableObjectAlarm(stub)
    await vi.waitFor(async () => expect((await readCart()).status).toBe('completed'))
    expect((await stock()).allocated).toBe(2)
  })
})

describe('a provider that fails', () => {
  test('after it may have charged is asked to undo, and the shopper is told 503', async () => {
    const voids = vi.spyOn(testProvider, 'void')
    vi.spyOn(testProvider, 'authorize').mockRejectedValue(new Error('connection reset'))
    const down = await checkout(cartId)
    expect([down.status, down.body.code]).toEqual([503, 'payment_provider_unavailable'])
    expect(voids).toHaveBeenCalled()
    expect((await readCart()).status).toBe('open')
    expect(await stock()).toMatchObject({ reserved: 2, allocated: 0 })
  })

  test('at capture leaves the order authorized, and the capture is repeated until it is paid', async () => {
    const capture = vi.spyOn(testProvider, 'capture').mockRejectedValue(new Error('connection reset'))
    const placed = await checkout(cartId)
    expect([placed.status, placed.body.paymentStatus]).toEqual([201, 'authorized'])
    capture.mockRestore()
    await exports.Background.runEffects(STORE, purchaseId)
    const { body: order } = await call('GET', `/v1/orders/${placed.body.id}?token=${placed.body.token}`)
    expect(order.paymentStatus).toBe('paid')
  })

  test('as often as it says that the money was captured, refunds instead of voiding', async () => {
    vi.spyOn(testProvider, 'void').mockResolvedValue('captured')
    const refund = vi.spyOn(testProvider, 'refund')
    const placed = await checkout(cartId)
    await staff('POST', `/v1/admin/orders/${placed.body.id}/cancellation`)
    await exports.Background.runEffects(STORE, purchaseId)
    expect(refund).toHaveBeenCalled()
  })
})
