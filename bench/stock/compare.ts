import { newCart } from '../../schema/ids.ts'
import { Load, type Phase } from './load.ts'
import type { BenchServer } from './serve.ts'

/** On the shelf of each item: more than any run takes. */
const UNITS = 1_000_000_000

/**
 * A new object is some dozens of waits for the disk, in which the server does nothing else: with many at once it is
 * deaf for longer than it lets a connection be silent.
 */
const OPENED_AT_ONCE = 4

export interface Settings {
  rounds: number
  /** Of one phase; a round has four. */
  seconds: number
  connections: number
  items: number
  isRelayed: boolean
}

export type Measured = 'reserve' | 'allocate'

export interface Round {
  command: Measured
  stock: Phase
  floor: Phase
}

/**
 * Rounds of floor and Stock side by side, who goes first taking turns: the machine is never as fast as it was a moment ago,
 * so only neighbours are compared. The first round warms up and is not counted.
 */
export async function compare(server: BenchServer, settings: Settings, name: string): Promise<Round[]> {
  const load = new Load(server, settings.connections)
  const items = Array.from({ length: settings.items }, (_, i) => `${name}-${i}`)
  const rounds: Round[] = []
  const opening = items.map((item) => `/open/${item}?units=${UNITS}`)
  await new Load(server, OPENED_AT_ONCE).run(Number.POSITIVE_INFINITY, () => opening.shift() ?? null)
  await load.relay(items)
  for (let round = 0; round <= settings.rounds; round++) {
    const shelf = new Shelf(items)
    for (const command of ['reserve', 'allocate'] as const) {
      const floor = () => load.run(settings.seconds, () => shelf.floor())
      const stock = () => measureStock(load, settings, shelf, command)
      const isFloorFirst = round % 2 === 0
      const [first, second] = isFloorFirst ? [floor, stock] : [stock, floor]
      const [a, b] = [await first(), await second()]
      if (round > 0) rounds.push({ command, floor: isFloorFirst ? a : b, stock: isFloorFirst ? b : a })
    }
  }
  return rounds
}

function measureStock(load: Load, settings: Settings, shelf: Shelf, command: Measured): Promise<Phase> {
  const work = () => load.run(settings.seconds, () => shelf[command]())
  return settings.isRelayed ? load.withRelay(() => shelf.changed(), work) : work()
}

/** Which item comes next, and which of its holds can become orders. */
class Shelf {
  readonly #items: readonly string[]
  readonly #held: string[] = []
  readonly #changed = new Set<string>()

  constructor(items: readonly string[]) {
    this.#items = items
  }

  floor(): string {
    return `/floor/${this.#any()}?purchase=${newPurchase()}`
  }

  reserve(): string {
    const item = this.#any()
    this.#changed.add(item)
    const held = `${item}?purchase=${newPurchase()}`
    this.#held.push(held)
    return `/reserve/${held}`
  }

  /** In the order in which they were held; null when all are promised. */
  #allocated = 0
  allocate(): string | null {
    const held = this.#held[this.#allocated++]
    if (held === undefined) return null
    this.#changed.add(held.slice(0, held.indexOf('?')))
    return `/allocate/${held}`
  }

  /** Items with something to tell since this was last asked. */
  changed(): string[] {
    const items = [...this.#changed]
    this.#changed.clear()
    return items
  }

  #any(): string {
    return this.#items[Math.floor(Math.random() * this.#items.length)]!
  }
}

function newPurchase(): string {
  return newCart(Date.now()).purchaseId
}
