import { now } from '../../../../runtime/clock.ts'
import type { GoodsCommand, PositionSafety, StockPolicy } from '../../../../schema/rpc/stock.ts'
import type { StoreRef } from '../../../../schema/store-ref.ts'
import { LOCATIONS, type Step } from './commands.ts'
import type { ReferenceModel } from './reference-model.ts'

type Method =
  | 'reserve'
  | 'release'
  | 'allocate'
  | 'deallocate'
  | 'fulfill'
  | 'move'
  | 'setArrival'
  | 'setPolicy'

/** A command with all that makes it the same one when it is sent again. */
export interface Call {
  method: Method
  command: object
}

const STORE: StoreRef = { slug: 'default', jurisdiction: null, region: null }
/** The store's band threshold. */
export const THRESHOLD = 2
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** When the goods of each lot end, from the beginning of the history. */
const LOT_MS: Record<string, number | null> = { '': null, L1: 8 * MINUTE, L2: 2 * HOUR }

/** Makes commands of steps, as carts, orders and staff send them. */
export class Callers {
  readonly #model: ReferenceModel
  readonly #beginAt: number
  readonly #versions = new Map<string, number>()
  #made = 0

  constructor(model: ReferenceModel, beginAt: number) {
    this.#model = model
    this.#beginAt = beginAt
  }

  /** The commands of a step; none for a step that is no command, or has nothing to ask for. */
  callsOf(step: Step): Call[] {
    switch (step.do) {
      case 'reserve':
        return [this.#reserve(step.who, step.quantity, step.minutes, step.age, step.limit)]
      case 'order': {
        const { who, quantity } = step
        const command = { ...BASE, purchaseId: who, orderId: `ord_${who}`, quantity }
        return [this.#reserve(who, quantity, 15, 0), { method: 'allocate', command }]
      }
      case 'prolong':
      case 'release':
        return this.#hold(step)
      case 'allocate':
      case 'deallocate':
      case 'fulfill':
        return this.#order(step)
      case 'receive':
      case 'adjust':
      case 'count':
      case 'return':
        return [{ method: 'move', command: this.#goods(step) }]
      case 'dispatch':
      case 'receipt':
        return this.#transfer(step)
      case 'arrival': {
        const { reference, location, lot, quantity } = step
        const command = { reference, location, lot, quantity, expectedAt: now() + HOUR }
        return [{ method: 'setArrival', command: { ...BASE, ...command } }]
      }
      case 'policy':
        return [this.#policy(step)]
      default:
        return []
    }
  }

  policyCall(policy: StockPolicy, positions: PositionSafety[]): Call {
    return { method: 'setPolicy', command: { ...BASE, policy, positions } }
  }

  /** Movements of little consequence: a unit comes, a unit goes, a unit is thrown away. */
  bustleCall(location: string, n: number): Call {
    const command = [
      { type: 'return' as const, quantity: 1, disposition: 'restock' as const },
      { type: 'adjust' as const, quantity: -1, reason: 'sample' as const },
      { type: 'return' as const, quantity: 1, disposition: 'write_off' as const },
    ][n % 3]!
    return { method: 'move', command: this.#goodsCommand({ ...command, location, lot: '' }) }
  }

  #reserve(
    purchaseId: string,
    quantity: number,
    minutes: number,
    age: number,
    limit: number | null = null,
  ): Call {
    const version = this.#version(purchaseId, age)
    const command = { purchaseId, version, quantity, expiresAt: now() + minutes * MINUTE }
    return { method: 'reserve', command: { ...BASE, ...command, ...(limit !== null && { limit }) } }
  }

  #hold(step: Extract<Step, { do: 'prolong' | 'release' }>): Call[] {
    const purchaseId = this.#one('held', step)
    if (!purchaseId) return []
    if (step.do === 'prolong') {
      return [this.#reserve(purchaseId, Math.max(1, this.#unitsOf(purchaseId)), step.minutes, 0)]
    }
    const version = this.#version(purchaseId, step.age)
    return [{ method: 'release', command: { ...BASE, purchaseId, version } }]
  }

  #order(step: Extract<Step, { do: 'allocate' | 'deallocate' | 'fulfill' }>): Call[] {
    const purchaseId = this.#one(step.do === 'allocate' ? 'held' : 'allocated', step)
    if (!purchaseId) return []
    const quantity = step.quantity ?? Math.max(1, this.#unitsOf(purchaseId))
    const command = { ...BASE, purchaseId, orderId: `ord_${purchaseId}`, quantity }
    if (step.do === 'allocate') return [{ method: 'allocate', command }]
    const commandId = `ord_${purchaseId}/${++this.#made}`
    if (step.do === 'deallocate') return [{ method: 'deallocate', command: { ...command, commandId } }]
    return [{ method: 'fulfill', command: { ...command, commandId, location: step.location } }]
  }

  #transfer(step: Extract<Step, { do: 'dispatch' | 'receipt' }>): Call[] {
    if (step.do === 'dispatch') {
      const { location, lot } = this.#place(step)
      const destination = LOCATIONS.find((code) => code !== location)!
      const { quantity, transfer: transferId } = step
      const command = { type: 'dispatch', transferId, location, lot, destination, quantity, expectedAt: null }
      return [{ method: 'move', command: { ...this.#remarks(), ...command } }]
    }
    const { quantity, isStray } = step
    const under = [...this.#model.arrivals.values()].filter(({ kind }) => kind === 'transfer')
    const transferId = isStray ? step.transfer : nthOf(under, step.nth)?.reference
    if (!transferId) return []
    const missing = quantity === 0 ? 1 : step.missing
    const command = { type: 'receipt', transferId, locationPriority: 0, quantity, missing }
    return [{ method: 'move', command: { ...this.#remarks(), ...command } }]
  }

  #goods(step: Extract<Step, { do: 'receive' | 'adjust' | 'count' | 'return' }>): GoodsCommand {
    const { do: type, quantity } = step
    const { location, lot } = step.do === 'receive' ? step : this.#place(step)
    const command = { type, location, lot, quantity }
    const ownMs = LOT_MS[lot]
    const own = ownMs == null ? null : this.#beginAt + ownMs
    switch (step.do) {
      case 'receive': {
        const expiresAt = { 'its own': own, another: this.#beginAt + HOUR, none: null }[step.date]
        return this.#goodsCommand({ ...command, expiresAt, reference: step.reference })
      }
      case 'adjust':
        return this.#goodsCommand({ ...command, reason: step.reason })
      case 'count':
        return this.#goodsCommand({ ...command, expectedOnHand: step.expected })
      case 'return':
        return this.#goodsCommand({ ...command, disposition: step.disposition, expiresAt: own })
    }
  }

  #goodsCommand(
    command: Partial<GoodsCommand> & Pick<GoodsCommand, 'type' | 'location' | 'lot' | 'quantity'>,
  ) {
    return {
      locationPriority: command.location === 'main' ? 0 : 1,
      expiresAt: null,
      reason: null,
      expectedOnHand: null,
      orderId: null,
      disposition: null,
      ...this.#remarks(),
      ...command,
    }
  }

  #remarks() {
    const idempotency = { key: `key-${++this.#made}`, fingerprint: 'same' }
    return { ...BASE, reference: null, note: null, actor: 'key_staff', idempotency }
  }

  #policy({ safetyStock, backorderLimit, sale, positions }: Extract<Step, { do: 'policy' }>): Call {
    const [saleStartsAt, saleEndsAt] = sale.map((minutes) =>
      minutes === null ? null : now() + minutes * MINUTE,
    )
    const policy = {
      ...NO_POLICY,
      safetyStock,
      backorderLimit,
      saleStartsAt: saleStartsAt!,
      saleEndsAt: saleEndsAt!,
    }
    const safeties = positions.map((position) => ({
      ...position,
      locationPriority: position.location === 'main' ? 0 : 1,
    }))
    return this.policyCall(policy, safeties)
  }

  /** A purchase in this state, if there is one. */
  #one(
    state: 'held' | 'allocated',
    step: { nth: number; isStray: boolean; who: string },
  ): string | undefined {
    const those = [...this.#model.promises].filter(([, own]) => own.state === state && own.units.length > 0)
    return step.isStray ? step.who : nthOf(those, step.nth)?.[0]
  }

  /** A place that has goods, or else whichever. */
  #place(step: { nth: number; isStray: boolean; location: string; lot: string }) {
    const those = [...this.#model.places.values()].filter(({ onHand }) => onHand > 0)
    return step.isStray ? step : (nthOf(those, step.nth) ?? step)
  }

  #unitsOf(who: string): number {
    return this.#model.promises.get(who)?.units.length ?? 0
  }

  #version(of: string, behind: number): number {
    const newest = (this.#versions.get(of) ?? 2) + (behind === 0 ? 1 : 0)
    this.#versions.set(of, newest)
    return newest - behind
  }
}

function nthOf<T>(list: T[], nth: number): T | undefined {
  return list[nth % list.length]
}

const BASE = { store: STORE, lowStockThreshold: THRESHOLD }

export const NO_POLICY: StockPolicy = {
  safetyStock: 0,
  backorderLimit: 0,
  availableOn: null,
  lowStockThreshold: null,
  saleStartsAt: null,
  saleEndsAt: null,
}
