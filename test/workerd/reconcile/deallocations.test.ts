import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { orderId, parseCartId } from '../../../schema/ids.ts'
import { call, ROOT_KEY, staff } from '../../support/api.ts'
import { readyCart, stocked } from '../../support/shop.ts'
import { beginAndDie, runAndDie } from '../checkout/dying-runner.ts'
import { audit, phantom, placed, STORE, settled } from './audited-shop.ts'

let sku = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 20)
})

const path = () => `/v1/admin/stock/${sku}/deallocations`
const giveBack = (body: object, idempotencyKey: string = crypto.randomUUID()) =>
  staff('POST', path(), body, { idempotencyKey })
const levels = async () => (await staff('GET', `/v1/admin/stock/${sku}`)).body

describe('units that no order has', () => {
  test('are given back once, by name, with what staff noted', async () => {
    const ghost = await phantom(sku, 3)
    const first = await giveBack({ orderId: ghost, quantity: 3, note: 'found by the audit' }, 'once')
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({
      movement: {
        type: 'deallocate',
        quantity: 3,
        orderId: ghost,
        actor: 'root',
        note: 'found by the audit',
      },
      levels: { allocated: 0, available: 20 },
    })
    const again = await giveBack({ orderId: ghost, quantity: 3, note: 'found by the audit' }, 'once')
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers.get('Idempotency-Replayed')).toBe('true')
    const other = await giveBack({ orderId: ghost, quantity: 2 }, 'once')
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
    expect(await settled(sku)).toMatchObject({ isSound: true, drifts: [] })
  })

  test('can be given back in parts, and no more than there are', async () => {
    const ghost = await phantom(sku, 3)
    expect((await giveBack({ orderId: ghost, quantity: 2 })).body.levels.allocated).toBe(1)
    const key = crypto.randomUUID()
    const refused = await giveBack({ orderId: ghost, quantity: 2 }, key)
    expect([refused.status, refused.body]).toEqual([
      409,
      expect.objectContaining({ code: 'stock_conflict', requested: 2, allocated: 1, entitled: 0 }),
    ])
    expect((await giveBack({ orderId: ghost, quantity: 1 })).status).toBe(201)
    const replay = await giveBack({ orderId: ghost, quantity: 2 }, key)
    expect([replay.body, replay.headers.get('Idempotency-Replayed')]).toEqual([refused.body, 'true'])
  })

  test('are not those of an order that has them, nor those of a purchase that is just changing', async () => {
    const order = await placed(sku, 2)
    const refused = await giveBack({ orderId: order.id, quantity: 1 })
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'stock_conflict', allocated: 2, entitled: 2 },
    })

    const { body: cart } = await readyCart([{ sku, quantity: 4 }])
    const { purchaseId } = parseCartId(cart.id)!
    await runAndDie(cart.id, (await beginAndDie(cart.id))!, 'place')
    const id = orderId(purchaseId)
    await stockOf(env, STORE, sku).allocate({ store: STORE, purchaseId, orderId: id, quantity: 4 })
    const busy = await giveBack({ orderId: id, quantity: 4 })
    expect(busy).toMatchObject({ status: 409, body: { code: 'checkout_in_progress' } })
    expect(busy.headers.get('Retry-After')).not.toBeNull()
    expect(await levels()).toMatchObject({ allocated: 6 })
  })

  test('nothing is given back of items and to orders that are not there', async () => {
    const nobody = orderId('0'.repeat(28))
    expect(await giveBack({ orderId: nobody, quantity: 1 })).toMatchObject({
      status: 409,
      body: { code: 'stock_conflict', allocated: 0 },
    })
    const unknown = await staff('POST', '/v1/admin/stock/NOBODY/deallocations', {
      orderId: nobody,
      quantity: 1,
    })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'item_not_found'])
    expect((await audit('NOBODY')).status).toBe(404)
  })

  test('a malformed request is 400 and needs a key; another store finds nothing', async () => {
    const ghost = await phantom(sku, 1)
    for (const body of [
      { orderId: 'ord_x', quantity: 1 },
      { orderId: ghost, quantity: 0 },
      { orderId: ghost, quantity: 1.5 },
      { orderId: ghost, quantity: 1, extra: true },
      { orderId: ghost, quantity: 1, note: 'a\u0000b' },
    ]) {
      expect((await giveBack(body)).body.code, JSON.stringify(body)).toBe('malformed_request')
    }
    const keyless = await call('POST', path(), { key: ROOT_KEY, body: { orderId: ghost, quantity: 1 } })
    expect(keyless.body.code).toBe('idempotency_key_missing')
    await staff('PUT', '/v1/admin/stores/other', { name: 'Other' })
    const other = await staff('POST', path(), { orderId: ghost, quantity: 1 }, { store: 'other' })
    expect([other.status, other.body.code]).toEqual([404, 'item_not_found'])
    expect((await levels()).allocated).toBe(1)
  })
})
