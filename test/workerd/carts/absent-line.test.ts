import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { stockOf } from '../../../durable-objects/stock/client.ts'
import { now } from '../../../runtime/clock.ts'
import { parseCartId } from '../../../schema/ids.ts'
import { call, staff } from '../../support/api.ts'
import { breakDatabase } from '../../support/faults.ts'
import { stocked } from '../../support/shop.ts'

const STORE = { slug: 'default', jurisdiction: null, region: null }

let sku = ''
let cartId = ''
beforeEach(async () => {
  sku = `SKU-${crypto.randomUUID().slice(0, 8)}`
  await stocked(sku, 5)
  cartId = (await call('POST', '/v1/carts')).body.id
})

/** As a PUT leaves it that was cut after Stock had granted it: the cart has no such line. */
async function cutPut(quantity: number): Promise<void> {
  const { purchaseId } = parseCartId(cartId)!
  const command = { store: STORE, purchaseId, version: now(), quantity, lowStockThreshold: 0 }
  const held = await stockOf(env, STORE, sku).reserve({ ...command, expiresAt: now() + 900_000 })
  expect(held.ok).toBe(true)
}

const reserved = async (): Promise<number> => (await staff('GET', `/v1/admin/stock/${sku}`)).body.reserved
const line = () => `/v1/carts/${cartId}/lines/${sku}`

describe('taking away a line that the cart does not have', () => {
  test.each([
    ['DELETE', () => call('DELETE', line())],
    ['PUT of 0', () => call('PUT', line(), { body: { quantity: 0 } })],
  ])('gives back what a cut PUT of it took: %s', async (_, remove) => {
    await cutPut(2)
    expect(await reserved()).toBe(2)
    const removed = await remove()
    expect([removed.status, removed.body.lines]).toEqual([200, []])
    expect(removed.body).not.toHaveProperty('needsFacts')
    expect(await reserved()).toBe(0)
  })

  test('is 200 also for a SKU that was never sold, or is no longer: that hold ends by expiry', async () => {
    await cutPut(2)
    await staff('DELETE', `/v1/admin/products/${sku.toLowerCase()}`)
    expect((await call('DELETE', line())).status).toBe(200)
    expect((await call('DELETE', `/v1/carts/${cartId}/lines/NOBODY-SELLS-THIS`)).status).toBe(200)
    expect(await reserved()).toBe(2)
  })

  test('is 200 also while the catalogue is silent', async () => {
    // What the store is made of is in memory by now.
    await call('GET', `/v1/carts/${cartId}`)
    const mend = breakDatabase('CATALOGUE')
    const removed = await call('DELETE', line())
    mend()
    expect(removed.status).toBe(200)
  })
})
