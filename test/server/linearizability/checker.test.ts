import { describe, expect, test } from 'vitest'
import { checkLinearizable } from './check.ts'
import { explain } from './explain.ts'
import type { Arguments, Operation, OperationName, Result } from './history.ts'
import { STOCK_ITEM } from './stock-item.ts'

/** An operation with its outcome: what it shows on success, what it shows on refusal, or nothing known. */
type Outcome = { shows: Result } | { refused: Result } | 'unknown'

let ids = 0

function operation(
  [from, to]: readonly [from: number, to: number],
  op: OperationName,
  args: Arguments,
  outcome: Outcome,
): Operation {
  const ok = outcome === 'unknown' ? null : 'shows' in outcome
  const result = outcome === 'unknown' ? null : 'shows' in outcome ? outcome.shows : outcome.refused
  const endNs = ok === null ? null : to
  return { id: `${++ids}`, item: 'ITEM', op, args, ok, result, startNs: from, endNs }
}

type When = readonly [from: number, to: number]
const setLine = (when: When, cart: string, quantity: number) =>
  operation(when, 'setLine', { cart, quantity }, { shows: { quantity } })
const short = (when: When, cart: string, quantity: number, available: number) =>
  operation(when, 'setLine', { cart, quantity }, { refused: { code: 'insufficient_stock', available } })
const removeLine = (when: When, cart: string) =>
  operation(when, 'removeLine', { cart, quantity: 0 }, { shows: { quantity: 0 } })
const checkout = (when: When, cart: string, quantity: number) =>
  operation(when, 'checkout', { cart }, { shows: { quantity } })
const cancel = (when: When, cart: string, quantity: number) =>
  operation(when, 'cancel', { cart }, { shows: { quantity } })
const lost = (from: number, op: OperationName, args: Arguments) => operation([from, 0], op, args, 'unknown')
/** The server was killed over it, and was up again at `to`. */
const killed = (when: When, op: OperationName, args: Arguments): Operation => ({
  ...lost(when[0], op, args),
  endNs: when[1],
})
const levels = (onHand: number, reserved: number, allocated: number) => ({
  onHand,
  reserved,
  allocated,
  available: Math.max(0, onHand - reserved - allocated),
})
const read = (when: When, ...figures: Parameters<typeof levels>) =>
  operation(when, 'readLevels', {}, { shows: levels(...figures) })
const readAvailable = (when: When, available: number) =>
  operation(when, 'readAvailability', {}, { shows: { available } })
const receive = (when: When, quantity: number, ...figures: Parameters<typeof levels>) =>
  operation(when, 'receive', { quantity }, { shows: levels(...figures) })
const adjust = (when: When, quantity: number, ...figures: Parameters<typeof levels>) =>
  operation(when, 'adjust', { quantity }, { shows: levels(...figures) })
const count = (
  when: When,
  quantity: number,
  expectedOnHand: number | undefined,
  ...figures: Parameters<typeof levels>
) => operation(when, 'count', { quantity, expectedOnHand }, { shows: levels(...figures) })

/** The goods every history begins with; it ends at 1. */
const first = (units: number) => receive([0, 1], units, units, 0, 0)

function verdictOf(history: Operation[]): string {
  return checkLinearizable(history, STOCK_ITEM).kind
}

describe('rejected', () => {
  test.each<[title: string, history: Operation[]]>([
    ['the last unit sold twice', [first(1), setLine([2, 5], 'a', 1), setLine([3, 6], 'b', 1)]],
    [
      'the last unit ordered twice, one of the holds being unknown',
      [
        first(1),
        lost(2, 'setLine', { cart: 'a', quantity: 1 }),
        setLine([3, 4], 'b', 1),
        checkout([5, 6], 'a', 1),
      ],
    ],
    ['a stale read after a completed hold', [first(3), setLine([2, 3], 'a', 2), read([4, 5], 3, 0, 0)]],
    [
      'a read that goes back',
      [first(3), setLine([2, 9], 'a', 2), read([3, 4], 3, 2, 0), read([5, 6], 3, 0, 0)],
    ],
    ['a read from the future', [first(3), read([2, 3], 3, 2, 0), setLine([4, 5], 'a', 2)]],
    ['half of a hold', [first(3), setLine([2, 9], 'a', 2), read([3, 4], 3, 1, 0)]],
    ['a refusal while there was surely stock', [first(3), setLine([2, 3], 'a', 1), short([4, 5], 'b', 2, 1)]],
    ['a refusal that tells another number than there was', [first(3), short([2, 3], 'a', 5, 2)]],
    [
      'a refusal to grow that does not count the own hold',
      [first(3), setLine([2, 3], 'a', 2), short([4, 5], 'a', 4, 1)],
    ],
    ['a refusal to lower a hold', [first(3), setLine([2, 3], 'a', 3), short([4, 5], 'a', 2, 0)]],
    [
      'two counts on the same expectation',
      [first(5), count([2, 6], 7, 5, 7, 0, 0), count([3, 5], 9, 5, 9, 0, 0), read([7, 8], 9, 0, 0)],
    ],
    [
      'a lost update: a count that forgets the goods received meanwhile',
      [first(5), count([2, 9], 6, 5, 6, 0, 0), receive([3, 8], 2, 7, 0, 0), read([10, 11], 6, 0, 0)],
    ],
    [
      'a count refused although its expectation was right',
      [
        first(5),
        operation(
          [2, 3],
          'count',
          { quantity: 6, expectedOnHand: 5 },
          { refused: { code: 'stock_conflict', onHand: 5 } },
        ),
      ],
    ],
    [
      'a count refused with a figure that never was',
      [
        first(5),
        operation(
          [2, 3],
          'count',
          { quantity: 6, expectedOnHand: 4 },
          { refused: { code: 'stock_conflict', onHand: 3 } },
        ),
      ],
    ],
    [
      'goods taken from an empty shelf by two at once',
      [first(1), adjust([2, 5], -1, 0, 0, 0), adjust([3, 6], -1, 0, 0, 0)],
    ],
    [
      'goods refused that were there',
      [
        first(2),
        operation([2, 3], 'adjust', { quantity: -1 }, { refused: { code: 'stock_conflict', onHand: 2 } }),
      ],
    ],
    [
      'a hold that ends twice, giving back what another holds',
      [
        first(4),
        setLine([2, 3], 'a', 2),
        setLine([4, 5], 'b', 2),
        removeLine([6, 8], 'a'),
        removeLine([6, 9], 'a'),
        read([10, 11], 4, 0, 0),
      ],
    ],
    [
      'a hold that is both ordered and released',
      [first(2), setLine([2, 3], 'a', 2), checkout([4, 9], 'a', 2), removeLine([10, 11], 'a')],
    ],
    [
      'an order of more than was held',
      [first(3), setLine([2, 3], 'a', 1), checkout([4, 5], 'a', 2), read([6, 7], 3, 0, 2)],
    ],
    ['an order of less than was held', [first(3), setLine([2, 3], 'a', 2), checkout([4, 5], 'a', 1)]],
    [
      'one cart ordered twice',
      [first(3), setLine([2, 3], 'a', 1), checkout([4, 8], 'a', 1), checkout([5, 9], 'a', 1)],
    ],
    [
      'an order whose units stay reserved too',
      [first(3), setLine([2, 3], 'a', 2), checkout([4, 5], 'a', 2), read([6, 7], 3, 2, 2)],
    ],
    [
      'one order cancelled twice',
      [
        first(2),
        setLine([2, 3], 'a', 1),
        checkout([4, 5], 'a', 1),
        cancel([6, 8], 'a', 1),
        cancel([7, 9], 'a', 1),
      ],
    ],
    [
      'a cancellation that gives nothing back',
      [
        first(1),
        setLine([2, 3], 'a', 1),
        checkout([4, 5], 'a', 1),
        cancel([6, 7], 'a', 1),
        short([8, 9], 'b', 1, 0),
      ],
    ],
    [
      'a delivery that timed out and was received twice',
      [first(1), lost(2, 'receive', { quantity: 5 }), read([9, 10], 11, 0, 0)],
    ],
    [
      'a hold that timed out, was seen, and was gone again by itself',
      [
        first(3),
        lost(2, 'setLine', { cart: 'a', quantity: 2 }),
        read([3, 4], 3, 2, 0),
        read([5, 6], 3, 0, 0),
      ],
    ],
    [
      'a checkout that timed out, was seen, and whose units were sold again',
      [
        first(1),
        setLine([2, 3], 'a', 1),
        lost(4, 'checkout', { cart: 'a' }),
        read([5, 6], 1, 0, 1),
        setLine([7, 8], 'b', 1),
      ],
    ],
    [
      'goods that come from a server that was killed before',
      [first(1), killed([2, 5], 'receive', { quantity: 5 }), read([6, 7], 1, 0, 0), read([8, 9], 6, 0, 0)],
    ],
    [
      'a line set after a crash, whose hold is still the one before the crash',
      [
        first(3),
        killed([2, 5], 'setLine', { cart: 'a', quantity: 2 }),
        setLine([6, 7], 'a', 1),
        read([8, 9], 3, 2, 0),
      ],
    ],
    ['an effect before its request', [first(3), read([2, 3], 8, 0, 0), lost(4, 'receive', { quantity: 5 })]],
    [
      'a live number more than a second old',
      [first(3), setLine([2, 3], 'a', 3), readAvailable([1e9 + 4, 1e9 + 5], 3)],
    ],
    ['a success that shows nothing', [first(3), operation([2, 3], 'readLevels', {}, { shows: {} })]],
    [
      'a line that the cart only claims to hold',
      [first(3), operation([2, 3], 'setLine', { cart: 'a', quantity: 2 }, { shows: { code: 'expired' } })],
    ],
  ])('%s', (_, history) => {
    expect(verdictOf(history)).toBe('violation')
  })
})

describe('accepted', () => {
  test.each<[title: string, history: Operation[]]>([
    ['nothing', []],
    ['the last unit sold once, to either', [first(1), setLine([2, 5], 'a', 1), short([3, 6], 'b', 1, 0)]],
    [
      'the last unit sold once, to the later request',
      [first(1), short([2, 6], 'a', 1, 0), setLine([3, 5], 'b', 1)],
    ],
    [
      'overlapping calls in the order they ended',
      [first(5), receive([2, 10], 1, 6, 0, 0), receive([3, 9], 2, 8, 0, 0)],
    ],
    [
      'overlapping calls against the order they began and ended',
      [first(5), receive([2, 9], 1, 8, 0, 0), receive([3, 10], 2, 7, 0, 0)],
    ],
    [
      'a read between two effects that overlap it',
      [first(3), setLine([2, 10], 'a', 1), setLine([3, 11], 'b', 1), read([4, 9], 3, 1, 0)],
    ],
    [
      'a call that ends in the instant in which the next begins',
      [first(1), read([2, 3], 1, 1, 0), setLine([3, 4], 'a', 1)],
    ],
    [
      'an unknown hold that took effect',
      [first(1), lost(2, 'setLine', { cart: 'a', quantity: 1 }), short([3, 4], 'b', 1, 0)],
    ],
    [
      'an unknown hold that did not',
      [first(1), lost(2, 'setLine', { cart: 'a', quantity: 1 }), setLine([3, 4], 'b', 1)],
    ],
    [
      'an unknown hold that took effect long after',
      [
        first(1),
        lost(2, 'setLine', { cart: 'a', quantity: 1 }),
        read([3, 4], 1, 0, 0),
        read([5, 6], 1, 0, 0),
        short([7, 8], 'b', 1, 0),
      ],
    ],
    [
      'an unknown checkout that took effect, and was cancelled',
      [
        first(1),
        setLine([2, 3], 'a', 1),
        lost(4, 'checkout', { cart: 'a' }),
        read([5, 6], 1, 0, 1),
        lost(7, 'cancel', { cart: 'a' }),
        setLine([8, 9], 'b', 1),
      ],
    ],
    [
      'a hold that a killed server had granted',
      [first(3), killed([2, 5], 'setLine', { cart: 'a', quantity: 2 }), read([6, 7], 3, 2, 0)],
    ],
    [
      'a hold that a killed server had not granted yet',
      [first(3), killed([2, 5], 'setLine', { cart: 'a', quantity: 2 }), read([6, 7], 3, 0, 0)],
    ],
    ['an unknown read', [first(1), lost(2, 'readLevels', {}), read([3, 4], 1, 0, 0)]],
    [
      'a live number almost a second old',
      [first(3), setLine([2, 3], 'a', 3), readAvailable([1e9, 1e9 + 5], 3)],
    ],
    ['a live number of now', [first(3), setLine([2, 3], 'a', 3), readAvailable([4, 5], 0)]],
    [
      'a hold lowered while others wait',
      [first(3), setLine([2, 3], 'a', 3), setLine([4, 5], 'a', 1), setLine([6, 7], 'b', 2)],
    ],
    [
      'a refusal that is not about stock',
      [
        first(3),
        operation([2, 3], 'setLine', { cart: 'a', quantity: 1 }, { refused: { code: 'cart_closed' } }),
      ],
    ],
    [
      'a count that undoes goods received before it',
      [first(5), receive([2, 8], 2, 7, 0, 0), count([3, 9], 6, undefined, 6, 0, 0), read([10, 11], 6, 0, 0)],
    ],
  ])('%s', (_, history) => {
    expect(verdictOf(history)).toBe('linearizable')
  })
})

test('a search that is cut off is a failure, and says that nothing is shown', () => {
  const history = [first(9)]
  for (let n = 0; n < 12; n++) history.push(setLine([2, 100], `c${n}`, 1))
  // Which of the twelve were refused, the checker would have to find out; none of them was.
  const verdict = checkLinearizable(history, STOCK_ITEM, 50)
  expect(verdict.kind).toBe('unfinished')
  expect(explain(verdict)).toContain('gave up after 51 nodes')
  expect(checkLinearizable(history, STOCK_ITEM).kind).toBe('violation')
})

test('a counter-example names the longest order that works and the call that cannot follow', () => {
  const sold = [setLine([2, 3], 'a', 1), setLine([4, 5], 'b', 1)]
  const history = [first(2), ...sold, setLine([6, 9], 'c', 1), read([20, 21], 2, 3, 0)]
  const verdict = checkLinearizable(history, STOCK_ITEM)
  expect(verdict).toMatchObject({ kind: 'violation', order: history.slice(0, 3), stuck: [history[3]] })
  const said = explain(verdict)
  expect(said).toContain('onHand 2 held {a:1 b:1} ordered {}')
  expect(said).toMatch(/cannot follow:\n.*setLine \{"cart":"c","quantity":1\} -> ok/)
  expect(explain(checkLinearizable([first(2), ...sold], STOCK_ITEM))).toBeNull()
})
