import { describe, expect, test } from 'vitest'
import { bandOf, nextLotEnd } from '../../../durable-objects/stock/band.ts'
import { decideAllocate } from '../../../durable-objects/stock/decide-allocate.ts'
import { decideDeallocate } from '../../../durable-objects/stock/decide-deallocate.ts'
import { decideExpire } from '../../../durable-objects/stock/decide-expire.ts'
import { decideMove, POSITIONS_MAX } from '../../../durable-objects/stock/decide-move.ts'
import { decideRelease } from '../../../durable-objects/stock/decide-release.ts'
import { decideReserve } from '../../../durable-objects/stock/decide-reserve.ts'
import { nextAlarm, renudgePauseMs } from '../../../durable-objects/stock/next-alarm.ts'
import { QUANTITY_MAX } from '../../../schema/quantity.ts'
import type { AdjustReason, GoodsCommand } from '../../../schema/rpc/stock.ts'
import { AT, at, reservation, state } from './states.ts'

const store = { slug: 'default', jurisdiction: null, region: null }
const UNTIL = AT + 60_000
const five = state([at('main', { onHand: 5, reserved: 2 })])

describe('reserve', () => {
  const reserve = (
    own: Parameters<typeof decideReserve>[1],
    version: number,
    quantity: number,
    expiresAt = UNTIL,
    given = five,
  ) =>
    decideReserve(
      given,
      own,
      { store, purchaseId: 'p', version, quantity, expiresAt, lowStockThreshold: 2 },
      AT,
    )

  test.each([
    ['a first hold', null, 6, 3, { ok: true, quantity: 3 }, 3],
    ['more than before: only the difference is taken', reservation(), 6, 5, { ok: true, quantity: 5 }, 3],
    ['less than before gives the rest back', reservation(), 6, 1, { ok: true, quantity: 1 }, -1],
    [
      'again after it was released',
      reservation({ state: 'released', quantity: 0, shares: [] }),
      6,
      3,
      { ok: true },
      3,
    ],
    [
      'again after it expired',
      reservation({ state: 'expired', quantity: 0, shares: [] }),
      6,
      3,
      { ok: true },
      3,
    ],
  ])('%s', (_, own, version, quantity, outcome, delta) => {
    const decided = reserve(own, version, quantity)
    expect(decided.outcome).toMatchObject(outcome)
    expect(decided.change?.deltas.map(({ reserved }) => reserved)).toEqual([delta])
    expect(decided.change?.reservation).toMatchObject({ state: 'held', version, quantity, expiresAt: UNTIL })
  })

  test.each([
    [
      'one more than there is',
      null,
      6,
      4,
      UNTIL,
      { code: 'insufficient_stock', facts: { requested: 4, available: 3 } },
    ],
    [
      'one more than there is, the own hold counted in',
      reservation(),
      6,
      6,
      UNTIL,
      { code: 'insufficient_stock', facts: { requested: 6, available: 5 } },
    ],
    ['an older version', reservation(), 4, 2, UNTIL, { code: 'stale_version', facts: { version: 5 } }],
    [
      'the same version with another quantity',
      reservation(),
      5,
      3,
      UNTIL,
      { code: 'stale_version', facts: { version: 5 } },
    ],
    ['the same version with another end', reservation(), 5, 2, UNTIL + 1, { code: 'stale_version' }],
    [
      'a repeat whose hold has ended meanwhile',
      reservation({ state: 'expired', quantity: 0 }),
      5,
      2,
      UNTIL,
      { code: 'stale_version', facts: { version: 5 } },
    ],
    [
      'a late reserve after the release that overtook it',
      reservation({ state: 'released', quantity: 0, expiresAt: null }),
      4,
      2,
      UNTIL,
      { code: 'stale_version' },
    ],
    [
      'units that an order has',
      reservation({ state: 'allocated' }),
      6,
      2,
      UNTIL,
      { code: 'reservation_ended' },
    ],
    ['a hold that would be over', null, 6, 1, AT, { code: 'reservation_ended' }],
  ])('refuses %s and changes nothing', (_, own, version, quantity, expiresAt, refusal) => {
    const decided = reserve(own, version, quantity, expiresAt)
    expect(decided).toEqual({ outcome: expect.objectContaining({ ok: false, ...refusal }) })
  })

  test('a repeat of the last command is answered again and changes nothing', () => {
    expect(reserve(reservation(), 5, 2)).toEqual({ outcome: { ok: true, quantity: 2, expiresAt: UNTIL } })
  })

  test('a prolonged hold is kept without a movement, so nobody is told', () => {
    const decided = reserve(reservation(), 6, 2, UNTIL + 5)
    expect(decided.change).toBeUndefined()
    expect(decided.reservation).toMatchObject({ version: 6, expiresAt: UNTIL + 5, since: 3 })
  })

  test('a broken promise takes nothing from a hold that shrinks', () => {
    const broken = state([at('main', { onHand: 1, reserved: 4 })])
    expect(reserve(reservation({ quantity: 4 }), 6, 3, UNTIL, broken).outcome).toMatchObject({ ok: true })
    expect(reserve(reservation({ quantity: 4 }), 6, 5, UNTIL, broken).outcome).toMatchObject({
      facts: { available: 4 },
    })
  })
})

describe('release', () => {
  const release = (own: Parameters<typeof decideRelease>[0], version: number) =>
    decideRelease(own, { store, purchaseId: 'p', version }, AT)

  test('gives the units back', () => {
    const { outcome, change } = release(reservation(), 6)
    expect(outcome).toEqual({ ok: true })
    expect(change).toMatchObject({
      movement: { type: 'release', quantity: 2 },
      deltas: [{ reserved: -2 }],
      reservation: { state: 'released', version: 6, quantity: 0, shares: [] },
    })
  })

  test.each([
    ['without a hold is remembered, to fence off the reserve it overtook', null],
    ['after the hold expired is remembered and ends nothing twice', reservation({ state: 'expired' })],
    ['of what is released already moves the fence', reservation({ state: 'released' })],
  ])('%s', (_, own) => {
    const { outcome, change, reservation: kept } = release(own, 6)
    expect([outcome.ok, change]).toEqual([true, undefined])
    expect(kept).toMatchObject({ state: 'released', version: 6, quantity: 0 })
  })

  test.each([
    ['that is older than the hold', reservation(), 4, 'stale_version'],
    ['with the version of the hold', reservation(), 5, 'stale_version'],
    ['of units that an order has', reservation({ state: 'allocated' }), 9, 'reservation_ended'],
  ])('%s is refused', (_, own, version, code) => {
    expect(release(own, version)).toEqual({ outcome: expect.objectContaining({ ok: false, code }) })
  })

  test('a repeat is answered again', () => {
    expect(release(reservation({ state: 'released' }), 5)).toEqual({ outcome: { ok: true } })
  })
})

describe('allocate and deallocate', () => {
  const allocate = (own: Parameters<typeof decideAllocate>[1], quantity = 2, orderId = 'ord_p') =>
    decideAllocate(
      state([at('main', { onHand: 9, reserved: 2 })]),
      own,
      { store, purchaseId: 'p', orderId, quantity },
      AT,
    )
  const deallocate = (own: Parameters<typeof decideDeallocate>[0], quantity: number, commandId = 'c1') =>
    decideDeallocate(own, { store, purchaseId: 'p', orderId: 'ord_p', commandId, quantity }, AT)
  const allocated = reservation({ state: 'allocated', orderId: 'ord_p', quantity: 3 })

  test('a hold becomes the promise to an order, unit for unit', () => {
    expect(allocate(reservation()).change).toMatchObject({
      movement: { type: 'allocate', orderId: 'ord_p' },
      deltas: [{ location: 'main', reserved: -2, allocated: 2 }],
      reservation: { state: 'allocated', orderId: 'ord_p', quantity: 2 },
    })
  })

  test.each([
    ['without a hold', null, 2, 'reservation_ended'],
    ['after the hold expired', reservation({ state: 'expired' }), 2, 'reservation_ended'],
    ['after it was given back', reservation({ state: 'released', orderId: 'ord_p' }), 2, 'reservation_ended'],
    ['another quantity than is held', reservation(), 3, 'stock_conflict'],
    ['what another order has', reservation({ state: 'allocated', orderId: 'ord_q' }), 2, 'reservation_ended'],
  ])('refuses to allocate %s', (_, own, quantity, code) => {
    expect(allocate(own, quantity)).toEqual({ outcome: expect.objectContaining({ ok: false, code }) })
  })

  test('allocating again for the same order is answered again', () => {
    expect(allocate(allocated, 3)).toEqual({ outcome: { ok: true } })
  })

  test('gives back in parts, each command once, and ends with the last unit', () => {
    const first = deallocate(allocated, 1)
    expect(first.change).toMatchObject({
      movement: { type: 'deallocate', quantity: 1 },
      deltas: [{ allocated: -1 }],
      reservation: {
        state: 'allocated',
        quantity: 2,
        commands: { c1: [{ location: 'main', lot: '', quantity: 1 }] },
      },
    })
    const kept = first.change!.reservation
    expect(deallocate(kept, 1)).toEqual({ outcome: { ok: true } })
    expect(deallocate(kept, 3, 'c2').outcome).toMatchObject({
      code: 'stock_conflict',
      facts: { requested: 3, allocated: 2 },
    })
    expect(deallocate(kept, 2, 'c2').change?.reservation).toMatchObject({ state: 'released', quantity: 0 })
  })
})

test('an overdue hold ends by its own', () => {
  expect(decideExpire(reservation(), AT)).toMatchObject({
    movement: { type: 'expire', quantity: 2, actor: 'alarm', purchaseId: 'p' },
    deltas: [{ reserved: -2 }],
    reservation: { state: 'expired', quantity: 0, shares: [] },
  })
})

describe('movements by staff', () => {
  const move = (command: Partial<GoodsCommand>, given = five) =>
    decideMove(
      given,
      {
        store,
        type: 'receive',
        location: 'main',
        locationPriority: 1,
        lot: '',
        expiresAt: null,
        quantity: 1,
        reason: null,
        reference: null,
        note: null,
        expectedOnHand: null,
        orderId: null,
        disposition: null,
        actor: 'root',
        lowStockThreshold: 2,
        idempotency: { key: 'k', fingerprint: 'f' },
        ...command,
      },
      AT,
    )

  test.each([
    ['received goods add up', { quantity: 4 }, 4],
    ['a count sets the figure', { type: 'count', quantity: 3 }, -2],
    ['a count that finds what was expected', { type: 'count', quantity: 5, expectedOnHand: 5 }, 0],
    ['a position that is not there begins at zero', { location: 'new', quantity: 4 }, 4],
    ['lost goods are gone although they were promised', { type: 'adjust', quantity: -5, reason: 'lost' }, -5],
    ['promised goods stay', { type: 'adjust', quantity: -3, reason: 'quality_release' }, -3],
    ['the most a position may hold', { quantity: QUANTITY_MAX - 5 }, QUANTITY_MAX - 5],
  ] satisfies [string, Partial<GoodsCommand>, number][])('%s', (_, command, onHand) => {
    const { outcome, change } = move(command)
    expect(outcome).toEqual({ ok: true })
    expect(change?.deltas.map((delta) => delta.onHand)).toEqual([onHand])
  })

  test.each([
    ['more than there is', { type: 'adjust', quantity: -6, reason: 'lost' }, { quantity: -6, onHand: 5 }],
    [
      'from a position that is not there',
      { type: 'adjust', location: 'new', quantity: -1, reason: 'lost' },
      { onHand: 0 },
    ],
    ['another figure than expected', { type: 'count', expectedOnHand: 4 }, { expectedOnHand: 4, onHand: 5 }],
    [
      'promised goods for a reason that has none to take',
      { type: 'adjust', quantity: -4, reason: 'found' },
      { promised: 2 },
    ],
    ['beyond the most a position may hold', { quantity: QUANTITY_MAX - 4 }, { limit: QUANTITY_MAX }],
    ['goods with another date at the same position', { expiresAt: AT + 5 }, { expiresAt: null }],
  ] satisfies [string, Partial<GoodsCommand>, object][])('refuses %s', (_, command, facts) => {
    const { outcome, change } = move(command)
    expect(outcome).toMatchObject({ ok: false, code: 'stock_conflict', facts })
    expect(change).toBeUndefined()
  })

  test.each([
    'damaged',
    'lost',
    'stolen',
    'expired',
    'correction',
    'sample',
    'quality_hold',
  ] satisfies AdjustReason[])('%s goods may break a promise', (reason) => {
    expect(move({ type: 'adjust', quantity: -5, reason }).outcome).toEqual({ ok: true })
  })

  test('an item has a bounded number of positions', () => {
    const positions = Array.from({ length: POSITIONS_MAX }, (_, i) => at(`l${i}`, { onHand: 1 }))
    expect(move({ location: 'l0' }, state(positions)).outcome).toEqual({ ok: true })
    expect(move({ location: 'new' }, state(positions)).outcome).toMatchObject({ code: 'stock_conflict' })
  })
})

test.each([
  [3, 0, 'in_stock'],
  [2, 0, 'low_stock'],
  [1, 9, 'low_stock'],
  [0, 1, 'backorder'],
  [0, 0, 'out_of_stock'],
] as const)('%i available and %i beyond hand is %s, with a threshold of 2', (available, backorder, band) => {
  expect(bandOf({ available, backorder }, 2)).toBe(band)
})

test('a lot with goods wakes the item when it ends; one without, or one past, does not', () => {
  const positions = [
    at('a', { onHand: 1, expiresAt: AT + 9 }),
    at('b', { onHand: 1, expiresAt: AT + 5 }),
    at('c', { onHand: 0, expiresAt: AT + 1 }),
    at('d', { onHand: 1, expiresAt: AT }),
  ]
  expect(nextLotEnd({ positions }, AT)).toBe(AT + 5)
  expect(nextLotEnd({ positions: positions.slice(2) }, AT)).toBeNull()
})

describe('the next alarm', () => {
  const nothing = {
    holdEndsAt: null,
    lotEndsAt: null,
    saleEdgeAt: null,
    bandDueAt: null,
    isUnconfirmed: false,
    nudgedAt: AT,
    nudgesInVain: 0,
  }
  test.each([
    ['nothing to wait for', nothing, null],
    ['a hold', { ...nothing, holdEndsAt: AT + 9 }, AT + 9],
    ['a lot before a hold', { ...nothing, holdEndsAt: AT + 9, lotEndsAt: AT + 5 }, AT + 5],
    ['a sale that begins before that', { ...nothing, lotEndsAt: AT + 5, saleEdgeAt: AT + 4 }, AT + 4],
    ['a crossing that rests', { ...nothing, holdEndsAt: AT + 9, bandDueAt: AT + 3 }, AT + 3],
    ['a change the relay has not confirmed', { ...nothing, isUnconfirmed: true }, AT + 5_000],
    ['a hold before that', { ...nothing, isUnconfirmed: true, holdEndsAt: AT + 9 }, AT + 9],
    ['a relay asked in vain', { ...nothing, isUnconfirmed: true, nudgesInVain: 2 }, AT + 20_000],
  ])('%s', (_, waiting, alarm) => {
    expect(nextAlarm(waiting)).toBe(alarm)
  })

  test('a relay that stays down is asked once a minute, for ever', () => {
    expect([0, 1, 2, 3, 4, 5, 1_000_000].map(renudgePauseMs)).toEqual([
      5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000,
    ])
  })
})
