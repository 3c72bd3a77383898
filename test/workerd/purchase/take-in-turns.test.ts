import { describe, expect, test } from 'vitest'
import { AMPLE_UNITS, inTurns, ONE_BY_ONE_MAX } from '../../../durable-objects/purchase/take-in-turns.ts'

const things = (spares: Record<string, number | null>) =>
  Object.entries(spares).map(([name, spare]) => ({ name, spare, take: name }))

describe('what several buyers want', () => {
  test('is taken one by one in one order where it is scarce or unknown, and at once where there is plenty', () => {
    const turns = inTurns(things({ d: 0, a: AMPLE_UNITS, c: null, b: AMPLE_UNITS - 1 }))
    expect(turns).toEqual({ oneByOne: ['b', 'c', 'd'], atOnce: ['a'] })
  })

  test('comes in the same order whatever order it is wanted in', () => {
    expect(inTurns(things({ b: 1, a: 2 }))).toEqual(inTurns(things({ a: 2, b: 1 })))
  })

  test('is at most so many turns: the scarcest have them', () => {
    const many = Array.from({ length: ONE_BY_ONE_MAX + 2 }, (_, index) => [`item-${index}`, index])
    const { oneByOne, atOnce } = inTurns(things(Object.fromEntries(many)))
    expect(oneByOne).toHaveLength(ONE_BY_ONE_MAX)
    expect(atOnce).toEqual([`item-${ONE_BY_ONE_MAX}`, `item-${ONE_BY_ONE_MAX + 1}`])
  })
})
