import { randomUUID } from 'node:crypto'
import type { ApiAnswer, ApiClient } from '../../../scripts/api-client.ts'
import { levelsOf } from './answers.ts'
import type { Recorder, Request } from './recorder.ts'

/** Few units that everybody wants, so that the last one is sold over and over. */
const SCARCE = ['LIN-SCARCE-A', 'LIN-SCARCE-B']
/** More units than all carts can hold: no loss and no count goes below what is promised, which would break holds. */
export const PLENTY = 'LIN-PLENTY'
/** Goods that nobody sells, around zero. */
export const SHELF = 'LIN-SHELF'
export const FOR_SALE = [...SCARCE, PLENTY]
export const ITEMS = [...FOR_SALE, SHELF]

const FIRST_UNITS: Record<string, number> = { [PLENTY]: 1_000, [SHELF]: 2 }
const FIRST_UNITS_SCARCE = 3

export interface Cart {
  /** The name in the history. */
  name: string
  id: string
  isOver: boolean
  /** The SKUs of changes that have no answer (yet). */
  unanswered: string[]
  /** Those of them that the server was killed over, until a change of the same line has succeeded. */
  inDoubt: Set<string>
}

export interface Order {
  cart: string
  id: string
  /** What it has of each item. */
  units: Map<string, number>
}

export interface Movement {
  type: 'receive' | 'adjust' | 'count'
  quantity: number
  reason?: string
  expectedOnHand?: number
}

/** What the clients share: anybody may touch anybody's cart, and cancel anybody's order. */
export class Shop {
  readonly recorder: Recorder
  readonly carts: Cart[] = []
  readonly orders: Order[] = []
  /** The last figure that anybody saw, for counts that expect it. */
  readonly seenOnHand = new Map<string, number>()
  #names = 0
  #steps = 0
  #milestone: { steps: number; reached(): void } | null = null

  constructor(recorder: Recorder) {
    this.recorder = recorder
  }

  async open(api: ApiClient): Promise<void> {
    for (const sku of FOR_SALE) {
      const variants = [{ sku, prices: { EUR: 1000 } }]
      const body = { title: sku, status: 'active', variants }
      await api.must('PUT', `/v1/admin/products/${sku.toLowerCase()}`, { body })
    }
    for (const item of ITEMS) {
      await this.move(item, { type: 'receive', quantity: FIRST_UNITS[item] ?? FIRST_UNITS_SCARCE })
      if (!this.seenOnHand.has(item)) throw new Error(`${item} was not received: ${api.url} does not work`)
    }
  }

  /**
   * After the server was killed, before anybody goes on. A purchase that died between Stock's answer and its own commit does
   * not know of that change: the next one of the same line makes both agree, whatever it asks for. A checkout orders what
   * the cart shows, so one that came first would be another quantity than Stock was seen to hold.
   */
  doubtUnanswered(): void {
    for (const cart of this.carts) for (const sku of cart.unanswered) cart.inDoubt.add(sku)
  }

  newName(): string {
    return `c${++this.#names}`
  }

  /** Resolves once all clients together have done so many steps. */
  reached(steps: number): Promise<void> {
    return new Promise((reached) => {
      this.#milestone = { steps, reached }
    })
  }

  stepDone(): void {
    if (++this.#steps === this.#milestone?.steps) this.#milestone.reached()
  }

  async move(item: string, movement: Movement, how: Partial<Request> = {}): Promise<void> {
    const { type, quantity, expectedOnHand } = movement
    const part = { item, args: { quantity, expectedOnHand }, read: levelsOf }
    const answer = await this.recorder.run(type, [part], {
      method: 'POST',
      path: `/v1/admin/stock/${item}/movements`,
      body: { location: 'main', ...movement },
      idempotencyKey: randomUUID(),
      isStaff: true,
      ...how,
    })
    this.#see(item, answer)
  }

  /** From the item's owner, so live. */
  async readLevels(item: string, how: Partial<Request> = {}): Promise<void> {
    const request = { method: 'GET', path: `/v1/admin/stock/${item}`, isStaff: true, ...how }
    const part = { item, args: {}, read: levelsOf }
    this.#see(item, await this.recorder.run('readLevels', [part], request))
  }

  #see(item: string, answer: ApiAnswer | null): void {
    const onHand = answer?.body.levels?.onHand ?? answer?.body.onHand
    if (onHand !== undefined) this.seenOnHand.set(item, onHand)
  }
}
