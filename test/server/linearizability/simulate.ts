import type { Arguments, Operation, OperationName, Result } from './history.ts'
import type { Random } from './random.ts'

/**
 * A stock item of a few lines, written apart from the specification, that many clients ask at once in made-up time.
 * `raceShare`: so many holds look at one moment and take at a later one, as an object without a single writer would.
 */
export interface Simulation {
  clients: number
  operations: number
  units: number
  unknownShare: number
  raceShare: number
  /** False: nobody counts, so goods never become fewer. */
  isCounted: boolean
}

interface Request {
  op: OperationName
  args: Arguments
  startNs: number
  endNs: number
  /** The moment at which it takes effect (never: null), and the one at which a racing hold has looked. */
  atNs: number | null
  lookedAtNs: number | null
  isUnknown: boolean
  /** Of an unknown one: it is known to be over by then. */
  overNs: number | null
}

export function simulate(random: Random, simulation: Simulation): Operation[] {
  const object = new SimulatedItem()
  const requests = requestsOf(random, simulation)
  const answers = new Map<Request, Answer>()
  const looks = new Map<Request, number>()
  const first = object.ask('receive', { quantity: simulation.units })
  for (const { request, isLook } of momentsOf(requests)) {
    if (isLook) looks.set(request, object.available)
    else answers.set(request, object.ask(request.op, request.args, looks.get(request) ?? object.available))
  }
  const operations = requests.map((request, index): Operation => {
    const { op, args, startNs, endNs, isUnknown, overNs } = request
    const outcome = isUnknown
      ? { ok: null, result: null, endNs: overNs }
      : { ...answers.get(request)!, endNs }
    return { id: `${index + 1}`, item: 'ITEM', op, args, startNs, ...outcome }
  })
  const last = Math.max(1, ...requests.flatMap(({ endNs, atNs }) => [endNs, atNs ?? 0]))
  const [begin, end] = [
    { id: 'first', item: 'ITEM', startNs: 0, endNs: 1 },
    { id: 'last', item: 'ITEM', startNs: last + 1, endNs: last + 2 },
  ]
  return [
    { ...begin, op: 'receive', args: { quantity: simulation.units }, ...first },
    ...operations,
    { ...end, op: 'readLevels', args: {}, ...object.ask('readLevels', {}) },
  ]
}

/** When each request looks (those that race) and takes effect (those that do), in order. */
function momentsOf(requests: readonly Request[]): { request: Request; isLook: boolean; ns: number }[] {
  return requests
    .flatMap((request) => [
      { request, isLook: true, ns: request.lookedAtNs },
      { request, isLook: false, ns: request.atNs },
    ])
    .filter((moment): moment is typeof moment & { ns: number } => moment.ns !== null)
    .sort((a, b) => a.ns - b.ns)
}

function requestsOf(random: Random, simulation: Simulation): Request[] {
  const freeAt = Array.from({ length: simulation.clients }, () => 2)
  return Array.from({ length: simulation.operations }, () => {
    const client = random.between(0, simulation.clients - 1)
    const startNs = freeAt[client]! + random.between(0, 5)
    const endNs = startNs + random.between(2, 20)
    freeAt[client] = endNs + 1
    const [op, args] = anything(random, simulation)
    const isUnknown = random.isLikely(simulation.unknownShare)
    const isCarriedOut = !isUnknown || random.isLikely(0.5)
    // What nobody waits for may happen much later.
    const atNs = startNs + (endNs - startNs + (isUnknown ? 40 : 0)) * random.next()
    const isRacing = op === 'setLine' && random.isLikely(simulation.raceShare)
    const isOver = isUnknown && random.isLikely(0.5)
    return {
      op,
      args,
      overNs: isOver ? Math.max(endNs, atNs) : null,
      startNs,
      endNs,
      isUnknown,
      atNs: isCarriedOut ? atNs : null,
      lookedAtNs: isRacing && isCarriedOut ? startNs + (atNs - startNs) * random.next() : null,
    }
  })
}

function anything(random: Random, { clients, units, isCounted }: Simulation): [OperationName, Arguments] {
  const cart = `c${random.between(1, clients + 2)}`
  const near = () => units + random.between(0, 4)
  const count = (): [OperationName, Arguments] => ['count', { quantity: near(), expectedOnHand: near() }]
  return random.of<() => [OperationName, Arguments]>([
    ...(isCounted ? [count] : []),
    () => ['setLine', { cart, quantity: random.between(0, 3) }],
    () => ['setLine', { cart, quantity: random.between(1, 3) }],
    () => ['setLine', { cart, quantity: random.between(1, 2) }],
    () => ['removeLine', { cart, quantity: 0 }],
    () => ['checkout', { cart }],
    () => ['cancel', { cart }],
    () => ['receive', { quantity: random.between(1, 2) }],
    () => ['readLevels', {}],
    () => ['readLevels', {}],
  ])()
}

interface Answer {
  ok: boolean
  result: Result
}

class SimulatedItem {
  #onHand = 0
  readonly #held = new Map<string, number>()
  readonly #ordered = new Map<string, number>()

  get available(): number {
    return Math.max(0, this.#levels().available)
  }

  /** `seen`: how much was free when it looked. */
  ask(op: OperationName, { cart = '', quantity = 0, expectedOnHand }: Arguments, seen = 0): Answer {
    const held = this.#held.get(cart) ?? 0
    const ordered = this.#ordered.get(cart)
    switch (op) {
      case 'setLine':
      case 'removeLine': {
        if (ordered !== undefined) return refused({ code: 'cart_closed' })
        const available = held + seen
        if (quantity > available) return refused({ code: 'insufficient_stock', available })
        this.#held.set(cart, quantity)
        return { ok: true, result: { quantity } }
      }
      case 'checkout':
        if (ordered !== undefined) return refused({ code: 'cart_closed' })
        if (held === 0) return refused({ code: 'cart_incomplete' })
        this.#held.delete(cart)
        this.#ordered.set(cart, held)
        return { ok: true, result: { quantity: held } }
      case 'cancel':
        if (!ordered) return refused({ code: 'order_state_conflict' })
        this.#ordered.set(cart, 0)
        return { ok: true, result: { quantity: ordered } }
      case 'count':
        if (expectedOnHand !== this.#onHand) return refused({ code: 'stock_conflict', onHand: this.#onHand })
        this.#onHand = quantity
        return { ok: true, result: this.#levels() }
      case 'receive':
        this.#onHand += quantity
        return { ok: true, result: this.#levels() }
      default:
        return { ok: true, result: this.#levels() }
    }
  }

  #levels() {
    const sum = (units: Map<string, number>) => [...units.values()].reduce((a, b) => a + b, 0)
    const [onHand, reserved, allocated] = [this.#onHand, sum(this.#held), sum(this.#ordered)]
    return { onHand, reserved, allocated, available: Math.max(0, onHand - reserved - allocated) }
  }
}

function refused(result: Result): Answer {
  return { ok: false, result }
}
