import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { now, testClock } from '../../../runtime/clock.ts'
import { StockItem, silenceQueue } from './stock-item.ts'

silenceQueue()
afterEach(() => testClock.reset())

const MINUTE = 60_000
const RUNS = 200

type Command =
  | { do: 'reserve'; who: string; quantity: number; minutes: number; age: number }
  | { do: 'release'; who: string; age: number }
  | { do: 'allocate' | 'deallocate'; who: string; quantity: number }
  | { do: 'receive' | 'adjust' | 'count'; where: string; quantity: number }
  | { do: 'wait'; minutes: number }
  | { do: 'evict' | 'repeat' }

/** What a Stock object promises, in a few dozen lines: no positions, no ledger, no storage. */
class Model {
  readonly onHand = new Map<string, number>()
  readonly promises = new Map<
    string,
    { version: number; state: 'held' | 'allocated' | 'released' | 'expired'; quantity: number; until: number }
  >()
  readonly backorderLimit: number
  readonly safetyStock: number

  constructor(backorderLimit: number, safetyStock: number) {
    this.backorderLimit = backorderLimit
    this.safetyStock = safetyStock
  }

  sum(state: 'held' | 'allocated'): number {
    return [...this.promises.values()].reduce((n, p) => n + (p.state === state ? p.quantity : 0), 0)
  }

  get counts(): [number, number, number, number] {
    const onHand = [...this.onHand.values()].reduce((a, b) => a + b, 0)
    const [held, allocated] = [this.sum('held'), this.sum('allocated')]
    return [onHand, held, allocated, Math.max(0, onHand - held - allocated - this.safetyStock)]
  }

  get room(): number {
    const [onHand, held, allocated] = this.counts
    return onHand + this.backorderLimit - this.safetyStock - held - allocated
  }

  expire(at: number): void {
    for (const p of this.promises.values()) if (p.state === 'held' && p.until <= at) p.state = 'expired'
  }

  reserve(who: string, version: number, quantity: number, until: number): string {
    const own = this.promises.get(who)
    const held = own?.state === 'held' ? own.quantity : 0
    if (held && own?.version === version && held === quantity && own.until === until) return 'ok'
    if (own?.state === 'allocated') return 'reservation_ended'
    if (own && version <= own.version) return 'stale_version'
    if (until <= now()) return 'reservation_ended'
    if (quantity - held > Math.max(0, this.room)) return 'insufficient_stock'
    this.promises.set(who, { version, state: 'held', quantity, until })
    return 'ok'
  }

  release(who: string, version: number): string {
    const own = this.promises.get(who)
    if (own?.state === 'allocated') return 'reservation_ended'
    if (own && version < own.version) return 'stale_version'
    if (own && version === own.version && own.state !== 'released') return 'stale_version'
    this.promises.set(who, { version, state: 'released', quantity: 0, until: 0 })
    return 'ok'
  }

  allocate(who: string, quantity: number): string {
    const own = this.promises.get(who)
    if (own?.state === 'allocated') return 'ok'
    if (own?.state !== 'held') return 'reservation_ended'
    if (own.quantity !== quantity) return 'stock_conflict'
    own.state = 'allocated'
    return 'ok'
  }

  deallocate(who: string, quantity: number): string {
    const own = this.promises.get(who)
    if (own?.state !== 'allocated' || quantity > own.quantity) return 'stock_conflict'
    own.quantity -= quantity
    if (own.quantity === 0) own.state = 'released'
    return 'ok'
  }

  move(kind: 'receive' | 'adjust' | 'count', where: string, quantity: number): string {
    const next = kind === 'count' ? quantity : (this.onHand.get(where) ?? 0) + quantity
    if (next < 0) return 'stock_conflict'
    this.onHand.set(where, next)
    return 'ok'
  }
}

const who = fc.constantFrom('a', 'b', 'c')
const where = fc.constantFrom('main', 'annex')
/** 0 is a fresh version; 1 or 2 is a command that was overtaken. */
const age = fc.constantFrom(0, 0, 0, 0, 1, 2)
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      who,
      quantity: fc.integer({ min: 1, max: 6 }),
      minutes: fc.integer({ min: 1, max: 5 }),
      age,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), who, age }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('allocate' as const, 'deallocate' as const),
      who,
      quantity: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('receive' as const, 'count' as const),
      where,
      quantity: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      where,
      quantity: fc.integer({ min: -5, max: -1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('evict' as const, 'repeat' as const) }) },
)

/** Sends one command to object and model; answers what each said. */
function sender(stock: StockItem, model: Model) {
  const versions = new Map<string, number>()
  const version = (of: string, behind: number) => {
    const newest = (versions.get(of) ?? 2) + (behind === 0 ? 1 : 0)
    versions.set(of, newest)
    return newest - behind
  }
  let last: (() => Promise<[string, string]>) | null = null
  const verdict = (outcome: { ok: true } | { ok: false; code: string }) => (outcome.ok ? 'ok' : outcome.code)
  const prepare = (c: Command): (() => Promise<[string, string]>) | null => {
    switch (c.do) {
      case 'reserve': {
        const [v, until] = [version(c.who, c.age), now() + c.minutes * MINUTE]
        return async () => {
          const options = { version: v, expiresAt: until }
          const expected = model.reserve(c.who, v, c.quantity, until)
          return [verdict(await stock.reserve(c.who, c.quantity, options)), expected]
        }
      }
      case 'release': {
        const v = version(c.who, c.age)
        return async () => [verdict(await stock.release(c.who, v)), model.release(c.who, v)]
      }
      case 'allocate':
        return async () => [
          verdict(await stock.allocate(c.who, c.quantity)),
          model.allocate(c.who, c.quantity),
        ]
      case 'deallocate': {
        const id = crypto.randomUUID()
        let isDone = false
        return async () => {
          const expected = isDone ? 'ok' : model.deallocate(c.who, c.quantity)
          isDone = expected === 'ok'
          return [verdict(await stock.deallocate(c.who, c.quantity, id)), expected]
        }
      }
      case 'receive':
      case 'adjust':
      case 'count': {
        const idempotency = { key: crypto.randomUUID(), fingerprint: 'f' }
        let first: string | null = null
        return async () => {
          first ??= model.move(c.do, c.where, c.quantity)
          const { where: location, quantity } = c
          const reason = c.do === 'adjust' ? 'lost' : null
          return [verdict(await stock.move({ type: c.do, location, quantity, reason, idempotency })), first]
        }
      }
      default:
        return null
    }
  }
  return async (c: Command): Promise<[string, string]> => {
    if (c.do === 'wait') testClock.advance(c.minutes * MINUTE)
    if (c.do === 'evict') await evictDurableObject(stock.stub)
    model.expire(now())
    const next = c.do === 'repeat' ? last : prepare(c)
    if (!next) return ['ok', 'ok']
    last = next
    return next()
  }
}

test(`${RUNS} random histories: the object says and keeps what the model does, and the ledger adds up to it`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 1 }),
      fc.array(command, { minLength: 5, maxLength: 16 }),
      async (backorderLimit, safetyStock, commands) => {
        testClock.freeze(Date.now())
        const stock = new StockItem()
        const model = new Model(backorderLimit, safetyStock)
        const send = sender(stock, model)
        await stock.policy({ backorderLimit, safetyStock })
        for (const c of commands) {
          const [said, expected] = await send(c)
          expect(said).toBe(expected)
          expect(await stock.counts()).toEqual(model.counts)
        }
        await checkLedger(stock)
      },
    ),
    { numRuns: RUNS },
  )
}, 120_000)

/** The sums of the ledger are the counters; no hold ended twice; the sequence has no gap. */
async function checkLedger(stock: StockItem): Promise<void> {
  // Reads leave overdue holds out before it is written that they expired; the alarm writes it.
  await runDurableObjectAlarm(stock.stub)
  const ledger = await stock.ledger()
  const sums = new Map<string, number>()
  const held = new Set<string>()
  for (const { deltas, type, purchaseId } of ledger) {
    for (const { location, lot, onHand, reserved, allocated } of deltas) {
      for (const [counter, n] of Object.entries({ onHand, reserved, allocated })) {
        const key = `${location}/${lot}/${counter}`
        sums.set(key, (sums.get(key) ?? 0) + n)
      }
    }
    if (type === 'reserve') held.add(purchaseId!)
    if (['release', 'expire', 'allocate'].includes(type)) expect(held.delete(purchaseId!)).toBe(true)
  }
  const { levels } = (await stock.rpc.levels())!
  for (const { location, lot, ...units } of levels.positions) {
    for (const counter of ['onHand', 'reserved', 'allocated'] as const) {
      const key = `${location}/${lot}/${counter}`
      expect([key, sums.get(key) ?? 0]).toEqual([key, units[counter]])
      sums.delete(key)
    }
  }
  expect([...sums.values()].every((sum) => sum === 0)).toBe(true)
  const { events } = await stock.rpc.pull(1_000)
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1))
  expect(events).toHaveLength(levels.sequence)
}
