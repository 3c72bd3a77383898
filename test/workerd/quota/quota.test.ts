import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { quotaOf } from '../../../durable-objects/quota/client.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { ok, STORE, silenceQueue } from '../purchase/shop.ts'

let sent: unknown[] = []
let name = ''
beforeEach(() => {
  sent = silenceQueue()
  name = `customer/${crypto.randomUUID()}/SKU`
})
afterEach(() => testClock.reset())

const quota = () => quotaOf(env, STORE, name)
const stub = () => env.QUOTA.get(env.QUOTA.idFromName(`${STORE.slug}/${name}`))

let version = 0
function hold(purchaseId: string, quantity: number, limit: number) {
  const command = { store: STORE, purchaseId, version: ++version, quantity, lowStockThreshold: 0, limit }
  return quota().reserve({ ...command, expiresAt: now() + 60_000 })
}
const order = (purchaseId: string, quantity: number) =>
  quota().allocate({ store: STORE, purchaseId, orderId: `ord_${purchaseId}`, quantity })
const giveBack = (purchaseId: string, quantity: number) =>
  quota().deallocate({
    store: STORE,
    purchaseId,
    orderId: `ord_${purchaseId}`,
    commandId: `ord_${purchaseId}/cancellation/1`,
    quantity,
  })

describe('a quota', () => {
  test('gives out as many units as the caller says that there are, over all purchases', async () => {
    ok(await hold('a', 2, 3))
    expect(await hold('b', 2, 3)).toMatchObject({
      code: 'insufficient_stock',
      facts: { requested: 2, available: 1 },
    })
    ok(await hold('b', 1, 3))
    ok(await order('a', 2))
    expect(await hold('c', 1, 3)).toMatchObject({ facts: { available: 0 } })
    ok(await giveBack('a', 2))
    ok(await giveBack('a', 2))
    ok(await hold('c', 2, 3))
    expect(await hold('c', 3, 3)).toMatchObject({ facts: { available: 2 } })
  })

  test('knows what would be left under a limit without setting it, and asking makes nothing', async () => {
    const ask = (limit?: number) => quota().look({ purchaseId: 'a', quantity: 2, ...(limit && { limit }) })
    expect(await ask(2)).toEqual({ ok: true, most: 2 })
    expect(await ask(1)).toMatchObject({ code: 'insufficient_stock', facts: { available: 1 } })
    expect(await runInDurableObject(stub(), (quota) => quota.rowsWritten)).toBe(0)
    ok(await hold('b', 1, 5))
    expect(await ask(2)).toMatchObject({ facts: { available: 1 } })
    expect(await ask()).toEqual({ ok: true, most: 4 })
  })

  test('that is lowered takes no order away, and lets no more be ordered', async () => {
    ok(await hold('a', 2, 4))
    ok(await order('a', 2))
    ok(await hold('b', 2, 4))
    expect(await hold('b', 2, 3)).toMatchObject({ facts: { available: 1 } })
    expect(await order('b', 2)).toMatchObject({ ok: false })
    ok(await hold('b', 1, 3))
    ok(await order('b', 1))
    ok(await hold('c', 1, 4))
  })

  test('gives back what a purchase let go, and what it forgot once its time is over', async () => {
    ok(await hold('a', 3, 3))
    ok(await quota().release({ store: STORE, purchaseId: 'a', version: ++version }))
    ok(await hold('b', 3, 3))
    testClock.advance(60_001)
    ok(await hold('c', 3, 3))
  })

  test('forgets nothing when it is evicted or rings', async () => {
    ok(await hold('a', 1, 3))
    ok(await order('a', 1))
    ok(await hold('b', 2, 3))
    await evictDurableObject(stub())
    expect(await hold('c', 1, 3)).toMatchObject({ facts: { available: 0 } })
    testClock.advance(60_001)
    await runDurableObjectAlarm(stub())
    await evictDurableObject(stub())
    ok(await hold('c', 2, 3))
    expect(await hold('d', 1, 3)).toMatchObject({ facts: { available: 0 } })
  })

  test('tells nobody: no event waits, no record, and the relay is not woken', async () => {
    ok(await hold('a', 1, 1))
    ok(await order('a', 1))
    ok(await giveBack('a', 1))
    testClock.advance(120_000)
    await runDurableObjectAlarm(stub())
    await scheduler.wait(60)
    expect(sent).toEqual([])
    const pulled = await stub().pull(100)
    expect(pulled).toMatchObject({ events: [], document: null, hasMore: false })
  })
})
