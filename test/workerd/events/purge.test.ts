import { expect, test } from 'vitest'
import { FULL, planPurge, refill, refilledAt } from '../../../durable-objects/cache-purger/plan-purge.ts'
import { tagsOfEvent } from '../../../durable-objects/cache-purger/tags-of-event.ts'

test.each([
  ['product.updated', 'product:tee', ['a:products', 'a:product:tee']],
  ['product.deleted', 'product:tee', ['a:products', 'a:product:tee']],
  ['price.changed', 'product:tee', ['a:products', 'a:product:tee']],
  ['stock.availability_changed', 'item:BANK CHARGES', ['a:item:BANK%20CHARGES']],
  ['stock.reserved', 'item:A', []],
  ['order.placed', 'order:ord_1', []],
] as const)('%s of %s makes stale what carries %j', (type, subject, tags) => {
  expect(tagsOfEvent({ store: 'a', type, subject })).toEqual(tags)
})

const tags = (count: number) => Array.from({ length: count }, (_, i) => `a:item:${i}`)

test('tags are purged once each, 100 a call', () => {
  expect(planPurge(['a:x', 'b:y', 'a:x'], { calls: 1, at: 0 })).toEqual([['a:x', 'b:y']])
  expect(planPurge(tags(250), { calls: 3, at: 0 })!.map((call) => call.length)).toEqual([100, 100, 50])
  expect(planPurge([], { calls: 0, at: 0 })).toEqual([])
})

test('too many tags become the parent tag of their store', () => {
  expect(planPurge([...tags(250), 'b:products'], { calls: 2, at: 0 })).toEqual([['a', 'b']])
})

test('without a call in hand it waits for one', () => {
  const empty = { calls: 0.5, at: 1_000 }
  expect(planPurge(tags(1), empty)).toBeNull()
  expect(refilledAt(empty)).toBe(7_000)
  expect(planPurge(tags(1), refill(empty, 7_000))).not.toBeNull()
})

test('five calls a minute come back, and never more than the bucket holds', () => {
  expect(refill({ calls: 0, at: 0 }, 60_000).calls).toBe(5)
  expect(refill({ calls: 20, at: 0 }, 3_600_000).calls).toBe(FULL.calls)
  expect(refill({ calls: 3, at: 5_000 }, 0).calls).toBe(3)
})
