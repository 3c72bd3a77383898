import fc from 'fast-check'
import { ADJUST_REASONS } from '../../../../schema/rpc/stock.ts'

const SHOPPERS = ['a', 'b', 'c', 'd', 'e'] as const
export const LOCATIONS = ['main', 'annex'] as const
const TRANSFERS = ['trf_1', 'trf_2'] as const
/** Purchase orders, and a transfer's number that a supplier has no right to. */
const REFERENCES = ['PO-1', 'PO-2', 'trf_1'] as const

/** Null but for one in so many. */
export const rarely = <T>(every: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: every - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

const units = fc.integer({ min: 1, max: 6 })
/** Null is all that there is: most commands name that. */
const unitsOrAll = rarely(3, units)
const who = fc.constantFrom(...SHOPPERS)
const location = fc.constantFrom(...LOCATIONS)
/** Goods of lot `''` keep for ever. */
const lot = fc.constantFrom('' as const, '', '', 'L1', 'L2')
/**
 * Most commands are about what there is when they are sent: the so-many-th hold, order, place or transfer. A stray one
 * is about whatever is named, and is refused as a rule.
 */
const nth = fc.nat({ max: 7 })
const isStray = fc.constantFrom(false, false, false, false, false, false, false, true)
const one = { nth, isStray, who }
const there = { nth, isStray, location, lot }
/** 0 is a fresh version; 1 or 2 is a command that was overtaken. */
const age = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 2)
const minutes = fc.constantFrom(1, 2, 5, 15, 15)

const word = <const T extends string>(text: T) => fc.constant(text)

/** What purchases ask. */
const PURCHASES = {
  reserve: fc.record({
    do: word('reserve'),
    who,
    quantity: units,
    minutes,
    age,
    /** As of a quota: how many units there are in all, which then is the item's backorder limit. */
    limit: rarely(12, fc.integer({ min: 0, max: 4 })),
  }),
  /** A purchase that is quick: held and ordered. */
  order: fc.record({ do: word('order'), who, quantity: units }),
  /** The same units for longer, as a checkout asks. */
  prolong: fc.record({ do: word('prolong'), ...one, minutes }),
  release: fc.record({ do: word('release'), ...one, age }),
  allocate: fc.record({ do: word('allocate'), ...one, quantity: rarely(8, units) }),
  deallocate: fc.record({ do: word('deallocate'), ...one, quantity: unitsOrAll }),
  fulfill: fc.record({
    do: word('fulfill'),
    ...one,
    quantity: unitsOrAll,
    location: rarely(3, location),
  }),
}

const STEPS = {
  ...PURCHASES,
  /** Several at once, none waiting for the answer of another. */
  together: fc.record({
    do: word('together'),
    steps: fc.array(fc.oneof(...Object.values(PURCHASES)), { minLength: 2, maxLength: 5 }),
  }),
  receive: fc.record({
    do: word('receive'),
    location,
    lot,
    quantity: fc.integer({ min: 1, max: 9 }),
    /** A lot has one date; goods that come with another are refused. */
    date: fc.constantFrom('its own' as const, 'its own', 'its own', 'its own', 'another', 'none'),
    reference: fc.constantFrom(null, ...REFERENCES),
  }),
  adjust: fc.record({
    do: word('adjust'),
    ...there,
    quantity: fc.integer({ min: -5, max: 2 }).filter((quantity) => quantity !== 0),
    reason: fc.constantFrom(...ADJUST_REASONS),
  }),
  count: fc.record({
    do: word('count'),
    ...there,
    quantity: fc.integer({ min: 0, max: 6 }),
    expected: rarely(3, fc.integer({ min: 0, max: 4 })),
  }),
  return: fc.record({
    do: word('return'),
    ...there,
    quantity: fc.integer({ min: 1, max: 3 }),
    disposition: fc.constantFrom('restock' as const, 'write_off'),
  }),
  dispatch: fc.record({
    do: word('dispatch'),
    ...there,
    quantity: fc.integer({ min: 1, max: 3 }),
    transfer: fc.constantFrom(...TRANSFERS),
  }),
  receipt: fc.record({
    do: word('receipt'),
    nth,
    isStray,
    transfer: fc.constantFrom(...TRANSFERS),
    quantity: fc.integer({ min: 0, max: 2 }),
    missing: fc.constantFrom(0, 0, 1),
  }),
  arrival: fc.record({
    do: word('arrival'),
    location,
    lot,
    reference: fc.constantFrom(...REFERENCES),
    quantity: fc.integer({ min: 0, max: 5 }),
  }),
  policy: fc.record({
    do: word('policy'),
    safetyStock: fc.constantFrom(0, 0, 1, 2),
    backorderLimit: fc.integer({ min: 0, max: 4 }),
    /** Minutes from now at which the sale begins and ends. */
    sale: fc.constantFrom([null, null], [null, null], [null, null], [null, 2], [1, null], [1, 30], [-1, 0]),
    positions: fc.uniqueArray(fc.record({ location, lot, safetyStock: fc.integer({ min: 1, max: 3 }) }), {
      maxLength: 2,
      selector: (position) => `${position.location}/${position.lot}`,
    }),
  }),
  wait: fc.record({ do: word('wait'), ms: fc.constantFrom(1, 400, 999, 1_000, 1_001, 30_000, 90_000) }),
  /** Up to one of the next instants at which something happens by itself: just before it, at it, just after it. */
  waitUntil: fc.record({
    do: word('waitUntil'),
    which: fc.nat({ max: 2 }),
    offset: fc.constantFrom(-1, 0, 1),
  }),
  /** Until what is kept a week is kept no more. */
  sleep: fc.record({ do: word('sleep') }),
  /** A command that was sent before is sent again: at once, or after newer ones. */
  again: fc.record({ do: word('again'), back: fc.constantFrom(0, 0, 1, 2, 3, 5, 8) }),
  /** The relay fetches; `confirm` is for the newest pull, one before, or more than there is. */
  pull: fc.record({ do: word('pull'), limit: fc.constantFrom(1, 3, 1_000) }),
  confirm: fc.record({
    do: word('confirm'),
    which: fc.constantFrom('newest', 'newest', 'older', 'invented'),
  }),
  alarm: fc.record({ do: word('alarm') }),
  evict: fc.record({ do: word('evict') }),
  /** So much happens that old movements leave the object. */
  bustle: fc.record({ do: word('bustle'), location, isRelaySlow: fc.boolean() }),
  /** The disk fails at the so-many-th write of the next command; nothing of it may stay. */
  fault: fc.record({ do: word('fault'), write: fc.integer({ min: 1, max: 6 }) }),
}

type Steps = typeof STEPS
export type StepName = keyof Steps
export type Step = { [Name in StepName]: Steps[Name] extends fc.Arbitrary<infer S> ? S : never }[StepName]

export type Weights = Record<StepName, number>

/** Carts and orders that contend for the goods of few places. */
export const SELLING: Weights = {
  reserve: 20,
  order: 9,
  together: 5,
  prolong: 5,
  release: 4,
  allocate: 14,
  deallocate: 6,
  fulfill: 8,
  receive: 8,
  adjust: 4,
  count: 3,
  return: 1,
  dispatch: 2,
  receipt: 1,
  arrival: 1,
  policy: 2,
  wait: 5,
  waitUntil: 5,
  sleep: 1,
  again: 10,
  pull: 2,
  confirm: 2,
  alarm: 3,
  evict: 3,
  bustle: 0,
  fault: 3,
}

/** Goods that come, spoil, travel and get lost under promises that were made of them. */
export const HANDLING: Weights = {
  ...SELLING,
  reserve: 12,
  prolong: 4,
  allocate: 11,
  deallocate: 4,
  fulfill: 7,
  receive: 14,
  adjust: 9,
  count: 6,
  return: 4,
  dispatch: 7,
  receipt: 6,
  arrival: 3,
  policy: 5,
}

/** So much at once that old movements leave; rare, since it takes its time. */
export const BUSTLING: Weights = { ...SELLING, bustle: 10, confirm: 8, sleep: 6 }

/** What is on the shelves before anything happens. */
export const goods: fc.Arbitrary<Step[]> = fc.array(STEPS.receive, { maxLength: 3, size: 'max' })

export function steps(
  weights: Weights,
  size: { minLength: number; maxLength: number },
): fc.Arbitrary<Step[]> {
  const names = Object.keys(STEPS) as StepName[]
  const chosen = names.filter((name) => weights[name] > 0)
  const arbitraries = chosen.map((name) => ({
    weight: weights[name],
    arbitrary: STEPS[name] as fc.Arbitrary<Step>,
  }))
  return fc.array(fc.oneof(...arbitraries), { ...size, size: 'max' })
}
