import { describe, expect, test } from 'vitest'
import { cover, coverable } from '../../../durable-objects/stock/cover.ts'
import { giveBack, mergeDeltas, pick, totalsOf } from '../../../durable-objects/stock/positions.ts'
import { AT, at, reservation, state } from './states.ts'

const share = (location: string, quantity: number, lot = '') => ({ location, lot, quantity })

describe('what is available', () => {
  test.each([
    ['goods less promises', state([at('a', { onHand: 10, reserved: 3, allocated: 2 })]), 5, 0, 5],
    ['nothing of a lot past its date', state([at('a', { onHand: 10, expiresAt: AT })]), 0, 0, 0],
    [
      'all of a lot one millisecond before its date',
      state([at('a', { onHand: 10, expiresAt: AT + 1 })]),
      10,
      0,
      10,
    ],
    [
      'less safety stock of item and position',
      state([at('a', { onHand: 10, safetyStock: 1 })], { safetyStock: 2 }),
      7,
      0,
      7,
    ],
    [
      'backorder apart',
      state([at('a', { onHand: 2, reserved: 2 }), at('', { reserved: 1 })], { backorderLimit: 5 }),
      0,
      4,
      4,
    ],
    [
      'never below zero, though more is promised than there is',
      state([at('a', { onHand: 1, allocated: 4 })]),
      0,
      0,
      -3,
    ],
    [
      'promises from a lot past its date still count',
      state([at('a', { onHand: 5, reserved: 2, expiresAt: AT }), at('b', { onHand: 5 })]),
      3,
      0,
      3,
    ],
  ])('%s', (_, given, available, backorder, room) => {
    expect(totalsOf(given, AT)).toMatchObject({ available, backorder, room })
  })
})

describe('where units come from', () => {
  test.each([
    [
      'the lot that expires first, goods without a date last',
      [
        at('a', { onHand: 5 }),
        at('b', { onHand: 2, expiresAt: AT + 9 }),
        at('c', { onHand: 2, expiresAt: AT + 5 }),
      ],
      6,
      [share('c', 2), share('b', 2), share('a', 2)],
    ],
    [
      'then the location that gives first',
      [at('a', { onHand: 5, priority: 1 }), at('z', { onHand: 5, priority: 0 })],
      6,
      [share('z', 5), share('a', 1)],
    ],
    [
      'then names, so that the choice is always the same',
      [at('b', { onHand: 5 }), at('a', { onHand: 5 })],
      1,
      [share('a', 1)],
    ],
    [
      'never from a lot past its date',
      [at('a', { onHand: 5, expiresAt: AT }), at('b', { onHand: 1 })],
      1,
      [share('b', 1)],
    ],
    ['the safety stock of a position stays', [at('a', { onHand: 5, safetyStock: 4 })], 1, [share('a', 1)]],
  ])('%s', (_, positions, quantity, shares) => {
    expect(pick(state(positions), quantity, AT)).toEqual(shares)
  })

  test('all or nothing: one more than there is gives nothing', () => {
    expect(pick(state([at('a', { onHand: 5 })]), 5, AT)).toEqual([share('a', 5)])
    expect(pick(state([at('a', { onHand: 5 })]), 6, AT)).toBeNull()
  })

  test('what is missing is promised beyond hand, up to the limit', () => {
    const given = state([at('a', { onHand: 5 })], { backorderLimit: 3, safetyStock: 1 })
    expect(pick(given, 7, AT)).toEqual([share('a', 4), share('', 3)])
    expect(pick(given, 8, AT)).toBeNull()
  })
})

test('a promise that shrinks gives back what is beyond hand first, then what it chose last', () => {
  const shares = [share('a', 2), share('b', 2), share('', 2)]
  expect(giveBack(shares, 3)).toEqual({
    kept: [share('a', 2), share('b', 1)],
    given: [share('', 2), share('b', 1)],
  })
  expect(giveBack(shares, 6).kept).toEqual([])
  expect(giveBack(shares, 0)).toEqual({ kept: shares, given: [] })
})

describe('goods that arrive cover what was promised beyond hand', () => {
  const beyond = (purchaseId: string, quantity: number, held: 'held' | 'allocated' = 'held') =>
    reservation({ purchaseId, quantity, state: held, shares: [share('', quantity)] })

  test('oldest first, as far as they go, and no unit is counted twice', () => {
    const given = state([at('', { reserved: 3, allocated: 2 }), at('a', { onHand: 4 })], {
      backorderLimit: 9,
    })
    expect(coverable(given, AT)).toBe(4)
    const covered = cover(given, [beyond('old', 2, 'allocated'), beyond('new', 3)], AT)
    expect(covered.reservations.map(({ purchaseId, shares }) => [purchaseId, shares])).toEqual([
      ['old', [share('a', 2)]],
      ['new', [share('', 1), share('a', 2)]],
    ])
    expect(mergeDeltas(covered.deltas)).toEqual([
      { location: 'a', lot: '', onHand: 0, reserved: 2, allocated: 2 },
      { location: '', lot: '', onHand: 0, reserved: -2, allocated: -2 },
    ])
  })

  test('safety stock is not used up for it', () => {
    const given = state([at('', { reserved: 3 }), at('a', { onHand: 4 })], { safetyStock: 3 })
    expect(coverable(given, AT)).toBe(1)
  })
})
