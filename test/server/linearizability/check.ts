import type { Operation } from './history.ts'

/** What an object does when it is asked one thing at a time. */
export interface Specification<S> {
  readonly initial: S
  /** The same text for states that behave alike. */
  keyOf(state: S): string
  /**
   * The state after an operation that was answered as recorded; null when it cannot have been answered so in this state.
   * An operation of unknown outcome is applied as one that succeeded with whatever answer.
   */
  apply(state: S, operation: Operation): S | null
  /** True for what changes no state, whatever the state: reads and refusals. */
  isObservation(operation: Operation): boolean
  /** How old a state the answer may show, by contract. */
  staleNs(operation: Operation): number
}

export type Verdict =
  | { kind: 'linearizable'; order: Operation[]; nodes: number }
  /**
   * `order`: the longest prefix found that keeps to real time and to the specification. `stuck`: answered operations one of
   * which had to come next, the most pressing first; none of them can.
   */
  | { kind: 'violation'; order: Operation[]; state: string; stuck: Operation[]; nodes: number }
  /** The search was cut off: nothing is shown, so it counts as a failure. */
  | { kind: 'unfinished'; order: Operation[]; state: string; stuck: Operation[]; nodes: number }

/** 100 times what a history of the server test was seen to need (some 200 operations, 30 of them unknown); 8 s and 120 MB. */
export const SEARCH_NODES_MAX = 200_000

interface Interval {
  operation: Operation
  /** It took effect between these, if it did. */
  from: number
  to: number
  isKnown: boolean
  /** This one's bit in `known` or `unknown`. */
  bit: bigint
}

interface Node<S> {
  state: S
  /** Answered operations that have their place in the order, and unknown ones. */
  known: bigint
  unknown: bigint
  /** Answered operations that have none yet. */
  left: number
  /** The latest `from` of those in the order: what ended before that can have no place any more. */
  latestFrom: number
  /** How it came here; null at the beginning. */
  last: { before: Node<S>; operation: Operation } | null
}

interface Step<S> {
  node: Node<S>
  /** Tried after it; null for the beginning. */
  next: Interval | null
}

/**
 * Wing and Gong's search with Lowe's memory: is there an order of the operations that keeps to real time (what ended before
 * another began comes before it) and to the specification? What was tried once is not tried again. Operations of
 * unknown outcome may take part anywhere after their start, or not at all. For the operations of one item: linearizability
 * is local, so items that pass one by one pass together (Herlihy and Wing 1990).
 */
export function checkLinearizable<S>(
  history: readonly Operation[],
  specification: Specification<S>,
  nodesMax = SEARCH_NODES_MAX,
): Verdict {
  const intervals = intervalsOf(history, specification)
  const left = intervals.filter(({ isKnown }) => isKnown).length
  const start: Node<S> = {
    state: specification.initial,
    known: 0n,
    unknown: 0n,
    left,
    latestFrom: 0,
    last: null,
  }
  const memory = new Memory(specification)
  const open: Step<S>[] = [{ node: start, next: null }]
  let deepest = start
  let nodes = 0
  for (let step = open.pop(); step; step = open.pop()) {
    if (++nodes > nodesMax) return failure('unfinished', deepest, intervals, specification, nodes)
    const node = taken(step, specification)
    if (!node || !memory.isNew(node)) continue
    if (node.left < deepest.left) deepest = node
    if (node.left === 0) return { kind: 'linearizable', order: orderOf(node), nodes }
    // The last one pushed is tried first.
    for (const next of promising(node, intervals, specification).reverse()) open.push({ node, next })
  }
  return failure('violation', deepest, intervals, specification, nodes)
}

/** Null: the specification does not allow it here. */
function taken<S>({ node, next }: Step<S>, specification: Specification<S>): Node<S> | null {
  if (next === null) return node
  const state = specification.apply(node.state, next.operation)
  if (state === null) return null
  return {
    state,
    known: next.isKnown ? node.known | next.bit : node.known,
    unknown: next.isKnown ? node.unknown : node.unknown | next.bit,
    left: next.isKnown ? node.left - 1 : node.left,
    latestFrom: Math.max(node.latestFrom, next.from),
    last: { before: node, operation: next.operation },
  }
}

/** What the search has met. */
class Memory<S> {
  readonly #specification: Specification<S>
  readonly #met = new Map<string, bigint[]>()

  constructor(specification: Specification<S>) {
    this.#specification = specification
  }

  /**
   * False when it has been at this state with the same answered operations done and the same unknown ones, or fewer: an
   * unknown one that is left over never has to be used, so whatever can be done from here could be done from there.
   */
  isNew({ state, known, unknown }: Node<S>): boolean {
    const key = `${known.toString(36)} ${this.#specification.keyOf(state)}`
    const met = this.#met.get(key) ?? []
    if (met.some((used) => (used & unknown) === used)) return false
    met.push(unknown)
    this.#met.set(key, met)
    return true
  }
}

function intervalsOf<S>(history: readonly Operation[], specification: Specification<S>): Interval[] {
  return (
    history
      // A read that was never answered says nothing.
      .filter((operation) => operation.ok !== null || !specification.isObservation(operation))
      .map((operation, index) => ({
        operation,
        from: operation.startNs - specification.staleNs(operation),
        to: operation.endNs ?? Number.POSITIVE_INFINITY,
        isKnown: operation.ok !== null,
        bit: 1n << BigInt(index),
      }))
      .sort((a, b) => a.from - b.from)
  )
}

/** What may be next and is worth trying, the most promising first. */
function promising<S>(
  node: Node<S>,
  intervals: readonly Interval[],
  specification: Specification<S>,
): Interval[] {
  const candidates = mayBeNext(node, intervals)
  const known = candidates.filter(({ isKnown }) => isKnown)
  const unknown = candidates.filter(({ isKnown }) => !isKnown)
  // What fits and changes nothing can come first, and no order is lost by not looking at the others; unless it takes the
  // last chance from an unknown one.
  const firstChance = Math.min(...unknown.map(({ to }) => to))
  const free = known.find(
    ({ operation, from }) =>
      specification.isObservation(operation) &&
      from <= firstChance &&
      specification.apply(node.state, operation) !== null,
  )
  if (free) return [free]
  // Of several unknown ones that ask for the same, any is as good as the other. They come last: they are needed only
  // where the rest cannot be explained without them.
  const asked = ({ operation, to }: Interval) => JSON.stringify([operation.op, operation.args, to])
  return [...known, ...[...Map.groupBy(unknown, asked).values()].map(([one]) => one!)]
}

/** The operations that began before any answered one ended that is not done, and that did not end before any done one began. */
function mayBeNext<S>(node: Node<S>, intervals: readonly Interval[]): Interval[] {
  const done = node.known | node.unknown
  const waiting: Interval[] = []
  let firstEnd = Number.POSITIVE_INFINITY
  for (const interval of intervals) {
    if (interval.from > firstEnd) break
    if ((done & interval.bit) !== 0n) continue
    if (interval.isKnown) firstEnd = Math.min(firstEnd, interval.to)
    else if (interval.to < node.latestFrom) continue
    waiting.push(interval)
  }
  return waiting.filter(({ from }) => from <= firstEnd).sort((a, b) => a.to - b.to)
}

function failure<S>(
  kind: 'violation' | 'unfinished',
  deepest: Node<S>,
  intervals: readonly Interval[],
  specification: Specification<S>,
  nodes: number,
): Verdict {
  const stuck = mayBeNext(deepest, intervals)
    .filter(({ isKnown }) => isKnown)
    .map(({ operation }) => operation)
  return { kind, order: orderOf(deepest), state: specification.keyOf(deepest.state), stuck, nodes }
}

function orderOf<S>(node: Node<S>): Operation[] {
  const order: Operation[] = []
  for (let { last } = node; last; last = last.before.last) order.push(last.operation)
  return order.reverse()
}
