import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  agendaOf,
  CART_IDLE_MS,
  cartExpiresAt,
  EMPTY_AFTER_MS,
  Pacing,
} from '../../../durable-objects/purchase/agenda.ts'
import { now, testClock } from '../../../runtime/clock.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../../schema/rpc/idempotency.ts'
import { LEASE_MS, PAYMENT_WINDOW_MS } from '../../../schema/rpc/purchase.ts'
import { nudged } from '../../support/nudges.ts'
import { ok, promised, receive, SETTINGS, Shopper, silenceQueue, stamp, stocked } from './shop.ts'

beforeEach(() => void silenceQueue())
afterEach(() => {
  testClock.reset()
  vi.restoreAllMocks()
})

const types = async (shopper: Shopper) => (await shopper.events()).map(({ type }) => type)
const alarmOf = (shopper: Shopper) => runInDurableObject(shopper.stub, (_, state) => state.storage.getAlarm())
const ACTION = { outcome: 'requires_action' as const, providerReference: 'ref', url: 'https://bank.example' }

/** Records what the alarm asks of the worker, in place of the worker. */
async function watchBackground(shopper: Shopper): Promise<string[]> {
  const asked: string[] = []
  await runInDurableObject(shopper.stub, (_, state) => {
    const background = {
      advanceCheckout: async () => void asked.push('advance'),
      runEffects: async () => void asked.push('effects'),
    }
    Object.defineProperty(state, 'exports', { value: { Background: background }, configurable: true })
  })
  return asked
}

async function withCart(quantity = 2) {
  const shopper = new Shopper()
  const tee = await stocked(5)
  ok(await shopper.create([[tee, quantity]]))
  return { shopper, tee }
}

describe('a cart that nobody touches', () => {
  test('expires with its last hold, says so once, and opens again by a PUT', async () => {
    const { shopper, tee } = await withCart()
    expect(await runDurableObjectAlarm(shopper.stub)).toBe(true)
    expect((await shopper.cart()).status).toBe('open')
    testClock.advance(901_000)
    await runDurableObjectAlarm(shopper.stub)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.cart()).status).toBe('expired')
    const [event, ...more] = await shopper.events()
    expect([event!.type, event!.subject, more]).toEqual(['cart.expired', `cart:${shopper.purchaseId}`, []])
    expect(JSON.parse(event!.data)).toMatchObject({
      purchaseId: shopper.purchaseId,
      lines: [{ sku: tee.sku, quantity: 2 }],
      totals: { total: { amount: 2000 } },
    })
    for (const word of ['secret', 'hidden', 'ada']) expect(event!.data.toLowerCase()).not.toContain(word)
    expect(ok(await shopper.put(tee, 2)).cart).toMatchObject({
      status: 'open',
      lines: [{ hold: { state: 'held' } }],
    })
  })

  test('may still be checked out, if there is stock', async () => {
    const { shopper } = await withCart()
    testClock.advance(901_000)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.checkout()).answer.kind).toBe('placed')
    expect((await shopper.cart()).status).toBe('completed')
  })

  test('empties its own storage a week later, but not before the log has its events', async () => {
    const { shopper } = await withCart()
    testClock.advance(901_000)
    await runDurableObjectAlarm(shopper.stub)
    testClock.advance(EMPTY_AFTER_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.cart()).status).toBe('expired')
    await shopper.rpc.confirm(1, null)
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.rpc.cart(shopper.access)).toMatchObject({ code: 'cart_not_found' })
    expect(await shopper.tables()).toEqual([])
    expect(await alarmOf(shopper)).toBeNull()
  })

  test('and was named by a key goes on counting its events if the key comes again, so that the log sees one history', async () => {
    const shopper = new Shopper()
    const tee = await stocked(5)
    const idempotency = stamp()
    ok(await shopper.create([[tee, 1]], { idempotency }))
    testClock.advance(901_000)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.rpc.pull(10)).events.map(({ sequence }) => sequence)).toEqual([1])
    await shopper.rpc.confirm(1, null)
    testClock.advance(EMPTY_AFTER_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.rpc.cart(shopper.access)).toMatchObject({ code: 'cart_not_found' })
    ok(await shopper.create([[tee, 2]], { idempotency }))
    testClock.advance(901_000)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.rpc.pull(10)).events.map(({ sequence }) => sequence)).toEqual([2])
  })

  test('and was named by a key goes on counting also behind a refusal that was kept under the key', async () => {
    const shopper = new Shopper()
    const tee = await stocked(1)
    const idempotency = stamp()
    ok(await shopper.create([[tee, 1]], { idempotency }))
    const attempt = ok(await shopper.begin('tok_error')).attempt
    await shopper.run(attempt, null, { authorize: { outcome: 'unavailable' } })
    ok(await shopper.rpc.abandon(shopper.access))
    testClock.advance(EMPTY_AFTER_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.create([[tee, 2]], { idempotency })).toMatchObject({ code: 'insufficient_stock' })
    testClock.advance(IDEMPOTENCY_KEPT_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    ok(await shopper.create([[tee, 1]], { idempotency }))
    expect(ok(await shopper.begin()).attempt).toBe(attempt + 1)
  })

  test('and was abandoned empties itself too', async () => {
    const { shopper } = await withCart()
    ok(await shopper.rpc.abandon(shopper.access))
    testClock.advance(EMPTY_AFTER_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.tables()).toEqual([])
  })

  test('and never was, leaves a kept refusal only as long as its key is kept', async () => {
    const shopper = new Shopper()
    const tee = await stocked(1)
    const idempotency = stamp()
    expect(await shopper.create([[tee, 2]], { idempotency })).toMatchObject({ ok: false })
    testClock.advance(IDEMPOTENCY_KEPT_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(await shopper.tables()).toEqual([])
    await receive(tee.sku, 1)
    ok(await shopper.create([[tee, 2]], { idempotency }))
  })

  test('never empties itself once it is an order', async () => {
    const { shopper } = await withCart()
    await shopper.checkout()
    await shopper.rpc.confirm(2, 2)
    testClock.advance(10 * EMPTY_AFTER_MS)
    await runDurableObjectAlarm(shopper.stub)
    expect((await shopper.cart()).status).toBe('completed')
  })
})

describe('the alarm', () => {
  test('goes on with a checkout whose runner is gone, not before its lease is overdue', async () => {
    const { shopper } = await withCart()
    const { attempt } = ok(await shopper.begin())
    await shopper.run(attempt, 'place')
    await evictDurableObject(shopper.stub)
    const asked = await watchBackground(shopper)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual([])
    testClock.advance(LEASE_MS + 1)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual(['advance'])
    expect((await alarmOf(shopper))! - now()).toBeLessThanOrEqual(LEASE_MS)
  })

  test('ends a payment window', async () => {
    const { shopper } = await withCart()
    await shopper.checkout({ authorize: ACTION })
    const asked = await watchBackground(shopper)
    testClock.advance(PAYMENT_WINDOW_MS - 1_000)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual([])
    testClock.advance(2_000)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual(['advance'])
  })

  test('runs effects, and again later when they fail', async () => {
    const { shopper } = await withCart()
    await shopper.checkout({ isCaptured: false })
    const asked = await watchBackground(shopper)
    testClock.advance(5_001)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toContain('effects')
    const [effect] = await shopper.rpc.pendingEffects()
    await shopper.rpc.settleEffect({ id: effect!.id, isDone: false })
    asked.length = 0
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual([])
    testClock.advance(10_001)
    await runDurableObjectAlarm(shopper.stub)
    expect(asked).toEqual(['effects'])
  })

  test('nudges again while the log has not confirmed, with growing pauses of a minute at most', async () => {
    const { shopper } = await withCart()
    await shopper.checkout()
    await nudged([])
    const sent = silenceQueue()
    const waits: number[] = []
    for (let round = 0; round < 8; round++) {
      testClock.advance(120_000)
      await runDurableObjectAlarm(shopper.stub)
      waits.push((await alarmOf(shopper))! - now())
    }
    // The items ring by themselves.
    const own = (await nudged(sent)).filter(({ kind }) => kind === 'purchase')
    expect(own).toHaveLength(8)
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
    expect(waits[0]).toBeLessThan(waits[5]!)
    await shopper.rpc.confirm(2, 2)
    testClock.advance(120_000)
    await runDurableObjectAlarm(shopper.stub)
    expect([sent.length, await alarmOf(shopper)]).toEqual([8, null])
  })

  test('nudges for a record that is behind, though the log has every event', async () => {
    const { shopper } = await withCart()
    await shopper.checkout()
    await shopper.rpc.confirm(2, 1)
    await nudged([])
    const sent = silenceQueue()
    testClock.advance(6_000)
    await runDurableObjectAlarm(shopper.stub)
    expect(await nudged(sent)).toHaveLength(1)
  })

  test('survives a worker that fails, and rings again', async () => {
    const { shopper } = await withCart()
    ok(await shopper.begin())
    await runInDurableObject(shopper.stub, (_, state) => {
      const background = { advanceCheckout: () => Promise.reject(new Error('down')) }
      Object.defineProperty(state, 'exports', { value: { Background: background }, configurable: true })
    })
    for (let round = 0; round < 8; round++) {
      testClock.advance(LEASE_MS + 1)
      expect(await runDurableObjectAlarm(shopper.stub)).toBe(true)
    }
    expect((await shopper.run(null)).step).toMatchObject({ answer: { kind: 'placed' } })
  })

  test('gives up a checkout that could not even hold its units in a payment window, and frees its key', async () => {
    const { shopper, tee } = await withCart()
    const idempotency = stamp()
    ok(await shopper.begin('tok_ok', { idempotency }))
    testClock.advance(PAYMENT_WINDOW_MS + 1)
    expect((await shopper.run(null)).step).toMatchObject({ answer: { refusal: { code: 'unavailable' } } })
    expect((await shopper.cart()).status).toBe('open')
    ok(await shopper.put(tee, 1))
    expect(ok(await shopper.begin('tok_ok', { idempotency })).isReplay).toBe(false)
  })
})

describe('the agenda', () => {
  test('of a cart that holds nothing is a day long', async () => {
    const { shopper } = await withCart()
    const state = await runInDurableObject(shopper.stub, (_, { storage }) =>
      JSON.parse(
        storage.sql.exec<{ json: string }>("select json from document where part = 'cart'").one().json,
      ),
    )
    const idle = { ...state, holds: [] }
    expect(cartExpiresAt(idle)).toBe(idle.updatedAt + CART_IDLE_MS)
    expect(cartExpiresAt(state)).toBe(state.updatedAt + SETTINGS.holdTtlSeconds * 1000)
    const over = { ...idle, status: 'expired', endedAt: idle.updatedAt }
    const facts = { unconfirmedSince: null, keptUntil: null }
    expect([...agendaOf({ ...facts, state: over }).keys()]).toEqual(['empty'])
    const owing = { ...over, deallocations: [{ item: 'i', quantity: 1, commandId: 'c' }] }
    expect([...agendaOf({ ...facts, state: owing }).keys()]).toEqual(['deallocate'])
    expect([...agendaOf({ ...facts, unconfirmedSince: 1, state: over }).keys()]).toEqual(['nudge'])
    expect([...agendaOf({ ...facts, state: null }).keys()]).toEqual([])
  })

  test('paces a task that stays due, and forgets the pause when it is done', () => {
    const pacing = new Pacing()
    const due = new Map([['advance', 0] as const])
    const waits = Array.from({ length: 5 }, () => {
      pacing.tried('advance', 0)
      return pacing.apply(due).get('advance')
    })
    expect(waits).toEqual([2_000, 4_000, 8_000, 10_000, 10_000])
    pacing.apply(new Map())
    expect(pacing.apply(due).get('advance')).toBe(0)
  })
})

test('units of a cancelled order that stock did not take back are given back by the alarm', async () => {
  const { shopper, tee } = await withCart()
  await shopper.checkout()
  const down = vi.spyOn(env.STOCK, 'get').mockImplementation(() => {
    throw new Error('stock is down')
  })
  const { settings } = shopper
  const command = { settings, reason: null, actor: 'root', expectedVersion: null, idempotency: stamp() }
  ok(await shopper.rpc.cancel(command))
  down.mockRestore()
  expect((await promised(tee.sku)).allocated).toBe(2)
  testClock.advance(60_000)
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(shopper.stub)
    expect((await promised(tee.sku)).allocated).toBe(0)
  })
  expect(await types(shopper)).toContain('order.cancelled')
})

test('a crash right after a checkout failed does not keep its units for as long as a payment may take', async () => {
  const { shopper, tee } = await withCart()
  const { attempt } = ok(await shopper.begin())
  const { step, lease } = await shopper.run(attempt, 'authorize')
  const silent = vi.spyOn(env.STOCK, 'get').mockReturnValue({ reserve: () => new Promise(() => {}) } as never)
  const declined = { outcome: 'declined' as const, providerReference: null, reason: 'no' }
  const cut = shopper.take(step, lease, { authorize: declined }).catch(() => 'cut')
  await vi.waitFor(() => expect(silent).toHaveBeenCalled())
  await runInDurableObject(shopper.stub, (_, state) => state.abort('crash')).catch(() => undefined)
  expect(await cut).toBe('cut')
  silent.mockRestore()
  testClock.advance(LEASE_MS + 1)
  await runDurableObjectAlarm(shopper.stub)
  testClock.advance(901_000)
  expect((await promised(tee.sku)).reserved).toBe(0)
})

test('a command that waits for stock does not keep the relay waiting', async () => {
  const { shopper } = await withCart()
  await shopper.checkout()
  const late = Promise.withResolvers<{ ok: true }>()
  const slow = vi.spyOn(env.STOCK, 'get').mockReturnValue({ deallocate: () => late.promise } as never)
  const { settings } = shopper
  const command = { settings, reason: null, actor: 'root', expectedVersion: null, idempotency: stamp() }
  const cancelled = shopper.rpc.cancel(command)
  await vi.waitFor(() => expect(slow).toHaveBeenCalled())
  await shopper.rpc.confirm(2, 2)
  expect(await types(shopper)).toEqual(['order.cancelled'])
  slow.mockRestore()
  late.resolve({ ok: true })
  ok(await cancelled)
})

test('a stock that does not answer is 503 and changes nothing', async () => {
  const { shopper, tee } = await withCart()
  const before = await shopper.cart()
  const down = vi.spyOn(env.STOCK, 'get').mockImplementation(() => {
    throw new Error('stock is down')
  })
  expect(await shopper.put(tee, 3)).toMatchObject({ code: 'unavailable' })
  expect(await shopper.cart()).toEqual(before)
  const { attempt } = ok(await shopper.begin())
  const { lease } = await shopper.run(attempt, 'hold')
  expect(await shopper.rpc.hold({ lease })).toMatchObject({ code: 'unavailable' })
  down.mockRestore()
  ok(await shopper.rpc.hold({ lease }))
  expect((await promised(tee.sku)).reserved).toBe(2)
})
