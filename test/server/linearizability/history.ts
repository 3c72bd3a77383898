/** What was asked of one stock item. A request that touches several items is one operation of each. */
export type OperationName =
  | 'createCart'
  | 'setLine'
  | 'removeLine'
  | 'checkout'
  | 'cancel'
  | 'receive'
  | 'adjust'
  | 'count'
  | 'readLevels'
  | 'readAvailability'

export interface Arguments {
  /** The test's own name of the cart: a cart whose creation was never answered has no other. */
  cart?: string
  quantity?: number
  expectedOnHand?: number
}

/** The part of an answer that speaks of the item. */
export interface Result {
  /** Of a refusal. */
  code?: string
  /** Units of the item that the cart holds, or that the order has, after the call. */
  quantity?: number
  /** What a refused checkout asked for. */
  requested?: number
  /** Of reads, and of movements the levels that they led to; of refusals what was found. */
  onHand?: number
  reserved?: number
  allocated?: number
  available?: number
}

/** One line of a recorded history. */
export interface Operation {
  id: string
  item: string
  op: OperationName
  args: Arguments
  /** Null: nobody knows whether it took effect (a timeout, a cut connection, a 503). */
  ok: boolean | null
  result: Result | null
  /** Nanoseconds since the recording began, monotonic. Before the request left, and after its answer came. */
  startNs: number
  /**
   * An unknown outcome may take effect at any time after its start, or never: null. Where it is known that it cannot any more
   * (the process that had it is dead), since then.
   */
  endNs: number | null
}

export function toLine(operation: Operation): string {
  const { id, item, op, args, ok, result, startNs, endNs } = operation
  return `${JSON.stringify({ id, item, op, args, ok, result, startNs, endNs })}\n`
}

export function parseLines(text: string): Operation[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Operation)
}

export function byItem(history: readonly Operation[]): Map<string, Operation[]> {
  return Map.groupBy(history, ({ item }) => item)
}
