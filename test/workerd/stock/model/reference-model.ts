import type { EpochMs } from '../../../../runtime/clock.ts'
import type {
  AllocateCommand,
  Arrival,
  ArrivalCommand,
  DeallocateCommand,
  DispatchCommand,
  FulfillCommand,
  GoodsCommand,
  MoveCommand,
  PositionSafety,
  ReceiptCommand,
  ReleaseCommand,
  ReserveCommand,
  StockPolicy,
} from '../../../../schema/rpc/stock.ts'
import { BEYOND, byName, giveBack, type Promised, Shelves } from './shelves.ts'

/** `ok` and what the caller must hear, or the code of the refusal and its facts; what is left out is not compared. */
export type Verdict = [code: string, facts?: unknown]
const OK: Verdict = ['ok']
const CONFLICT: Verdict = ['stock_conflict']

const WEEK_MS = 7 * 24 * 3_600_000
/** Reasons for which goods are gone whatever was promised. */
const BREAKING = ['damaged', 'lost', 'stolen', 'expired', 'correction', 'sample', 'quality_hold']

/** What a Stock object answers, and what becomes of goods and promises. No storage, and a clock that others set. */
export class ReferenceModel extends Shelves {
  readonly arrivals = new Map<string, Arrival>()
  readonly answers = new Map<string, { verdict: Verdict; until: EpochMs }>()
  #since = 0

  get incoming(): number {
    return [...this.arrivals.values()].reduce((units, { quantity }) => units + quantity, 0)
  }

  /** Instants at which something happens by itself. */
  get instants(): EpochMs[] {
    const { saleStartsAt, saleEndsAt } = this.policy
    return [
      ...[...this.promises.values()].map((p) => (p.state === 'held' ? p.until : p.endedAt + WEEK_MS)),
      ...[...this.places.values()].map(({ expiresAt }) => expiresAt),
      ...[...this.answers.values()].map(({ until }) => until),
      ...[saleStartsAt, saleEndsAt],
    ].filter((instant) => instant !== null && Number.isFinite(instant)) as EpochMs[]
  }

  // What time does.

  /** What every transaction does first: overdue holds end, goods past their date leave. */
  settle(): void {
    const overdue = [...this.promises].filter(([, p]) => p.state === 'held' && p.until <= this.at)
    for (const [who, own] of overdue.sort(byName).sort(([, a], [, b]) => a.until - b.until)) {
      const { length } = own.units
      this.end(own, 'expired')
      this.tell(`expire ${length} ${who}`)
    }
    const past = [...this.places].sort(byName).filter(([, place]) => !this.isAlive(place))
    for (const [, place] of past) {
      const { onHand } = place
      place.onHand = 0
      if (onHand > 0) this.tell(`adjust ${-onHand} expired`)
    }
    for (const [key] of past) if (this.promisedAt(key) === 0) this.places.delete(key)
  }

  /** Once their movements have left, ends of a week ago are forgotten: a repeat is then a new command. */
  forget(): void {
    for (const [who, { endedAt }] of this.promises) if (endedAt < this.at - WEEK_MS) this.promises.delete(who)
  }

  // What purchases ask.

  reserve({ purchaseId: who, version, quantity, expiresAt, limit }: ReserveCommand): Verdict {
    if (limit !== undefined) this.policy = { ...this.policy, backorderLimit: limit }
    const own = this.promises.get(who)
    const held = this.held(who)
    const has = held?.units.length ?? 0
    if (held?.version === version && has === quantity && held.until === expiresAt) return OK
    if (own?.state === 'allocated' || own?.state === 'fulfilled') return ['reservation_ended']
    if (own && version <= own.version) return ['stale_version', { version: own.version }]
    if (expiresAt <= this.at) return ['reservation_ended']
    const seen = this.look(who, quantity)
    if (seen[0] !== 'ok') return seen
    const mine = held ?? { ...nothing(), done: own?.done ?? new Map(), since: ++this.#since }
    this.promises.set(who, Object.assign(mine, { version, state: 'held' as const, until: expiresAt }))
    giveBack(mine, has - quantity)
    this.take(mine, quantity - has)
    if (quantity !== has) this.tell(`reserve ${quantity} ${who}`)
    return OK
  }

  /** Whether a purchase could hold so many units, or why not. */
  look(who: string, quantity: number): Verdict {
    const most = this.mostFor(who)
    if (quantity > (this.held(who)?.units.length ?? 0) && !this.isOnSale) {
      return [
        'not_on_sale',
        { saleStartsAt: iso(this.policy.saleStartsAt), saleEndsAt: iso(this.policy.saleEndsAt) },
      ]
    }
    return quantity <= most ? ['ok', most] : ['insufficient_stock', { requested: quantity, available: most }]
  }

  release({ purchaseId: who, version }: ReleaseCommand): Verdict {
    const own = this.promises.get(who)
    if (own?.state === 'allocated' || own?.state === 'fulfilled') return ['reservation_ended']
    if (own?.state === 'released' && version === own.version) return OK
    if (own && version <= own.version) return ['stale_version', { version: own.version }]
    const had = this.held(who)?.units.length ?? 0
    const mine = own ?? nothing()
    this.promises.set(who, Object.assign(mine, { version }))
    this.end(mine, 'released')
    if (had > 0) this.tell(`release ${had} ${who}`)
    return OK
  }

  allocate({ purchaseId: who, quantity }: AllocateCommand): Verdict {
    const own = this.promises.get(who)
    if (own?.state === 'allocated' || own?.state === 'fulfilled') return OK
    if (own?.state !== 'held') return ['reservation_ended']
    const held = own.units.length
    if (held !== quantity) return ['stock_conflict', { requested: quantity, held }]
    // Room for others does not count: these very units must have goods, or a place beyond hand.
    const available = this.mostFor(who)
    if (this.backed(own) < quantity) return ['insufficient_stock', { requested: quantity, available }]
    own.state = 'allocated'
    this.tell(`allocate ${quantity} ${who}`)
    return OK
  }

  deallocate({ purchaseId: who, quantity, commandId }: DeallocateCommand): Verdict {
    const own = this.promises.get(who)
    if (own?.done.has(commandId)) return OK
    const allocated = own?.state === 'allocated' ? own.units.length : 0
    if (!own || quantity > allocated) return ['stock_conflict', { requested: quantity, allocated }]
    own.done.set(commandId, giveBack(own, quantity))
    if (own.units.length === 0) this.end(own, 'released')
    this.tell(`deallocate ${quantity} ${who}`)
    return OK
  }

  fulfill({ purchaseId: who, quantity, commandId, location }: FulfillCommand): Verdict {
    const own = this.promises.get(who)
    const done = own?.done.get(commandId)
    if (done) return ['ok', done]
    const allocated = own?.state === 'allocated' ? own.units.length : 0
    if (!own || quantity > allocated) return ['stock_conflict', { requested: quantity, allocated }]
    const here = own.units.filter(
      (unit) => unit !== BEYOND && unit.startsWith(location ? `${location}/` : ''),
    )
    if (quantity > here.length) return ['stock_conflict', { requested: quantity, onHand: here.length }]
    const taken = here.slice(0, quantity)
    for (const unit of taken) {
      own.units.splice(own.units.indexOf(unit), 1)
      this.places.get(unit)!.onHand--
    }
    own.done.set(commandId, taken)
    if (own.units.length === 0) this.end(own, 'fulfilled')
    this.tell(`fulfill ${quantity} ${who}`)
    return ['ok', taken]
  }

  // What staff do.

  /** Each answer is kept for a week under its key, refusals too. */
  move(command: MoveCommand): Verdict {
    const { key } = command.idempotency
    for (const [old, { until }] of this.answers) if (until <= this.at) this.answers.delete(old)
    const known = this.answers.get(key)
    if (known) return known.verdict
    const verdict = this.#move(command)
    this.answers.set(key, { verdict, until: this.at + WEEK_MS })
    return verdict
  }

  #move(command: MoveCommand): Verdict {
    if (command.type === 'dispatch') return this.#dispatch(command)
    return command.type === 'receipt' ? this.#receipt(command) : this.#goods(command)
  }

  #goods(command: GoodsCommand): Verdict {
    const { type, quantity, reason, expectedOnHand, locationPriority: priority } = command
    const [key, place] = this.place(command, command.expiresAt)
    const expiresAt = command.expiresAt ?? place.expiresAt
    const onHand = type === 'count' ? quantity : place.onHand + quantity
    const mayBreak = type !== 'adjust' || quantity > 0 || BREAKING.includes(reason!)
    // What is thrown away is noted, and nothing else is asked.
    if (command.disposition !== 'write_off') {
      if (expiresAt !== place.expiresAt && place.onHand > 0) return CONFLICT
      if (expectedOnHand !== null && expectedOnHand !== place.onHand) return CONFLICT
      if (!this.isAlive({ expiresAt }) && onHand > place.onHand) return CONFLICT
      if (onHand < 0) return ['stock_conflict', { quantity, onHand: place.onHand }]
      if (onHand < this.promisedAt(key) && !mayBreak) return CONFLICT
      this.places.set(key, { ...place, onHand, expiresAt, priority })
    }
    if (type === 'receive') this.#arrive(command)
    this.tell(`${type} ${quantity}${reason ? ` ${reason}` : ''}`)
    return OK
  }

  #dispatch({ transferId, destination, quantity, expectedAt, ...from }: DispatchCommand): Verdict {
    const [key, place] = this.place(from, null)
    const free = this.isAlive(place) ? Math.max(0, place.onHand - this.promisedAt(key)) : 0
    if (quantity > free) return ['stock_conflict', { quantity, free }]
    if (this.arrivals.has(transferId)) return CONFLICT
    place.onHand -= quantity
    const { lot, expiresAt } = place
    const arrival = { location: destination, lot, quantity, expectedAt, expiresAt }
    this.#expect({ reference: transferId, kind: 'transfer', ...arrival })
    this.tell(`transfer ${quantity}`)
    return OK
  }

  #receipt({ transferId, quantity, missing, locationPriority: priority }: ReceiptCommand): Verdict {
    const due = this.arrivals.get(transferId)
    const incoming = due?.kind === 'transfer' ? due.quantity : 0
    if (!due || quantity + missing > incoming) return ['stock_conflict', { quantity, missing, incoming }]
    const { expiresAt } = due
    const [key, place] = this.place(due, expiresAt)
    if (quantity > 0) {
      if (!this.isAlive(due)) return CONFLICT
      if (place.onHand > 0 && place.expiresAt !== expiresAt) return CONFLICT
      this.places.set(key, { ...place, onHand: place.onHand + quantity, expiresAt, priority })
    }
    this.#expect({ ...due, quantity: incoming - quantity - missing })
    if (quantity > 0) this.tell(`transfer ${quantity}`)
    if (missing > 0) this.tell(`adjust ${-missing} lost`)
    return OK
  }

  setArrival({ reference, location, lot, quantity, expectedAt }: ArrivalCommand): Verdict {
    if (this.arrivals.get(reference)?.kind === 'transfer') return ['stock_conflict', { reference }]
    this.#expect({ kind: 'supply', reference, location, lot, quantity, expectedAt, expiresAt: null })
    return OK
  }

  setPolicy({ policy, positions }: { policy: StockPolicy; positions: PositionSafety[] }): Verdict {
    this.policy = policy
    for (const place of this.places.values()) place.safety = 0
    for (const { locationPriority: priority, safetyStock: safety, ...where } of positions) {
      const [key, place] = this.place(where, null)
      this.places.set(key, { ...place, safety, ...(!this.places.has(key) && { priority }) })
    }
    // Less is kept safe: who waited for goods has them now.
    if (this.waiting > 0 && this.isLoose) this.tell('adjust 0 correction')
    return OK
  }

  /** One arrival a reference; without units it is none. */
  #expect(arrival: Arrival): void {
    if (arrival.quantity > 0) this.arrivals.set(arrival.reference, arrival)
    else this.arrivals.delete(arrival.reference)
  }

  /** Goods that were announced are here; a supplier's lots are often known only then. */
  #arrive({ location, lot, quantity, reference }: GoodsCommand): void {
    const due = this.arrivals.get(reference ?? '')
    if (due?.kind !== 'supply' || due.location !== location || ![lot, ''].includes(due.lot)) return
    this.#expect({ ...due, quantity: Math.max(0, due.quantity - quantity) })
  }
}

function iso(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

function nothing(): Promised {
  return {
    version: 0,
    state: 'released',
    until: 0,
    units: [],
    since: 0,
    done: new Map(),
    endedAt: Number.NaN,
  }
}
