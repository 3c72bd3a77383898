import type { EpochMs } from '../../../../runtime/clock.ts'
import type { StockPolicy } from '../../../../schema/rpc/stock.ts'

export interface Place {
  location: string
  lot: string
  expiresAt: EpochMs | null
  priority: number
  onHand: number
  safety: number
}

export interface Promised {
  version: number
  state: 'held' | 'allocated' | 'released' | 'expired' | 'fulfilled'
  until: EpochMs
  /** Where each of its units is; units of one place side by side, places in the order in which they were chosen. */
  units: string[]
  since: number
  /** What its commands have taken, by their ids. */
  done: Map<string, string[]>
  endedAt: EpochMs
}

/** Where promised units are that have no goods. */
export const BEYOND = '/'

/**
 * Goods, promises, and how they find each other, as plainly as it can be said: each promised unit is a word in a list that
 * tells where it is, and nothing is kept that can be counted.
 */
export class Shelves {
  at: EpochMs = 0
  policy = { safetyStock: 0, backorderLimit: 0, saleStartsAt: null, saleEndsAt: null } as StockPolicy
  readonly places = new Map<string, Place>()
  readonly promises = new Map<string, Promised>()
  /** Titles of the ledger rows that must be there, since somebody last emptied the list. */
  told: string[] = []

  get counts() {
    return this.#count([...this.promises.values()])
  }

  /** As readers see it: overdue holds are over, whether or not that is written. */
  get shown() {
    return this.#count(this.#seen())
  }

  /** What readers see of each place: `[on hand, reserved, allocated]`, where there is any. */
  get shownPlaces(): Record<string, readonly number[]> {
    const units = (state: string) => this.#seen().flatMap((p) => (p.state === state ? p.units : []))
    const [held, allocated] = [units('held'), units('allocated')]
    const at = (key: string, list: string[]) => list.filter((unit) => unit === key).length
    return Object.fromEntries(
      [BEYOND, ...this.places.keys()]
        .map((key) => [key, [this.places.get(key)?.onHand ?? 0, at(key, held), at(key, allocated)]] as const)
        .filter(([, units]) => units.some((n) => n > 0))
        .sort(byName),
    )
  }

  get isOnSale(): boolean {
    const { saleStartsAt, saleEndsAt } = this.policy
    return (saleStartsAt ?? 0) <= this.at && this.at < (saleEndsAt ?? Number.POSITIVE_INFINITY)
  }

  /** Units of a hold that may become an order's: those with goods, and beyond hand as far as orders have left room. */
  backed(own: Promised): number {
    const orders = [...this.promises.values()].filter(({ state }) => state === 'allocated')
    const left = Math.max(0, this.policy.backorderLimit - sum(orders, beyond))
    return own.units.length - beyond(own) + Math.min(beyond(own), left)
  }

  /** The most units that this purchase could hold. */
  mostFor(who: string): number {
    const own = this.held(who)
    return (own ? this.backed(own) : 0) + (this.isOnSale ? Math.max(0, this.counts.room) : 0)
  }

  held(who: string): Promised | null {
    const own = this.promises.get(who)
    return own?.state === 'held' ? own : null
  }

  isAlive({ expiresAt }: { expiresAt: EpochMs | null }): boolean {
    return expiresAt === null || expiresAt > this.at
  }

  place({ location, lot }: { location: string; lot: string }, expiresAt: EpochMs | null): [string, Place] {
    const key = `${location}/${lot}`
    const none = { location, lot, expiresAt, priority: 0, onHand: 0, safety: 0 }
    return [key, this.places.get(key) ?? none]
  }

  /** Units promised from a place. */
  promisedAt(key: string): number {
    return sum([...this.promises.values()], ({ units }) => units.filter((unit) => unit === key).length)
  }

  /** Adds units to a promise: of goods while there are free ones, then beyond hand. */
  take(own: Promised, quantity: number): void {
    for (let n = 0; n < quantity; n++) put(own, this.counts.available > 0 ? this.#giver() : BEYOND)
  }

  end(own: Promised, state: 'released' | 'expired' | 'fulfilled'): void {
    Object.assign(own, { state, units: [], endedAt: this.at })
  }

  /**
   * A change is told. Promises that lost their goods by it go beyond hand, the newest first; then what is free covers the
   * oldest. Carts lose before orders do and wait behind them; orders that lost are told.
   */
  tell(title: string): void {
    this.told.push(title)
    const before = new Map(this.#promised().map(([who, own]) => [who, beyond(own)]))
    for (const [key, place] of [...this.places].sort(byName)) {
      let broken = this.promisedAt(key) - (this.isAlive(place) ? place.onHand : 0)
      const newestFirst = this.#promised().sort(([, a], [, b]) => rank(b) - rank(a) || b.since - a.since)
      for (const [, own] of newestFirst) {
        for (; broken > 0 && own.units.includes(key); broken--) {
          own.units.splice(own.units.lastIndexOf(key), 1)
          put(own, BEYOND)
        }
      }
    }
    const oldestFirst = this.#promised().sort(([, a], [, b]) => rank(a) - rank(b) || a.since - b.since)
    for (const [, own] of oldestFirst) {
      while (own.units.includes(BEYOND) && this.isLoose) {
        own.units.splice(own.units.indexOf(BEYOND), 1)
        put(own, this.#giver())
      }
    }
    for (const [who, own] of this.#promised().sort(byName)) {
      const lost = beyond(own) - before.get(who)!
      if (lost > 0 && own.state === 'allocated') this.told.push(`shortage ${lost} ${who}`)
    }
  }

  /** Goods are there that nobody has. */
  get isLoose(): boolean {
    const { onHand, safetyStock, reserved, allocated } = this.counts
    return onHand - safetyStock - (reserved + allocated - this.waiting) > 0
  }

  /** Units promised beyond hand. */
  get waiting(): number {
    return sum([...this.promises.values()], beyond)
  }

  #promised(): [string, Promised][] {
    return [...this.promises].filter(([, { units }]) => units.length > 0)
  }

  #seen(): Promised[] {
    return [...this.promises.values()].filter((p) => p.state !== 'held' || p.until > this.at)
  }

  #count(promises: Promised[]) {
    const alive = this.#alive()
    const onHand = sum(alive, (place) => place.onHand)
    const safetyStock = this.policy.safetyStock + sum(alive, safe)
    const units = (state: string) => sum(promises, (p) => (p.state === state ? p.units.length : 0))
    const [reserved, allocated] = [units('held'), units('allocated')]
    const free = onHand - reserved - allocated - safetyStock
    const room = free + this.policy.backorderLimit
    return { onHand, reserved, allocated, safetyStock, available: Math.max(0, free), room }
  }

  /** Places that count, the one that gives first in front: first expired first out, then by priority, then by name. */
  #alive(): Place[] {
    return [...this.places]
      .sort(byName)
      .map(([, place]) => place)
      .filter((place) => this.isAlive(place))
      .sort((a, b) => (a.expiresAt ?? NEVER) - (b.expiresAt ?? NEVER) || a.priority - b.priority)
  }

  /** The place that gives the next unit. */
  #giver(): string {
    const keys = this.#alive().map((place) => this.place(place, null))
    return keys.find(([key, place]) => place.onHand - this.promisedAt(key) > safe(place))![0]
  }
}

const NEVER = Number.MAX_VALUE

export function beyond({ units }: Promised): number {
  return units.filter((unit) => unit === BEYOND).length
}

/** Takes units back: those beyond hand first, then those that were chosen last. */
export function giveBack({ units }: Promised, quantity: number): string[] {
  const given: string[] = []
  while (given.length < quantity) {
    const without = units.indexOf(BEYOND)
    given.push(...units.splice(without === -1 ? units.length - 1 : without, 1))
  }
  return given
}

export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Adds a unit beside those of its place. */
function put({ units }: Promised, unit: string): void {
  const beside = units.lastIndexOf(unit)
  units.splice(beside === -1 ? units.length : beside + 1, 0, unit)
}

/** Holds lose their goods before orders do. */
function rank({ state }: Promised): number {
  return state === 'held' ? 1 : 0
}

/** What is not there cannot be kept safe. */
function safe({ safety, onHand }: Place): number {
  return Math.min(safety, onHand)
}

function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0)
}
