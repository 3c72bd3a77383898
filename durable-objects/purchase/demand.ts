import type { EpochMs } from '../../runtime/clock.ts'
import type { CustomerKey } from '../../schema/rpc/purchase.ts'
import type { Hold, Line, PurchaseState, Supply } from './state.ts'

/** What lines need of one supply. */
export interface Need extends Supply {
  quantity: number
  /** Of a quota: how many units there are in all. */
  limit?: number
}

/** Lines, and who they are for: as much of a purchase as decides what it needs. */
export type Wanted = Pick<PurchaseState, 'lines' | 'customer' | 'discounts'>

/** One text for a supply. Quotas sort before items, so a customer who has enough is refused before goods are moved. */
export function supplyKey({ kind, item }: Supply): string {
  return `${kind}:${item}`
}

/** What one line needs: its items, and its customer's quota of the SKU. An item may be there twice. */
export function needsOf({ facts, quantity }: Line, customer: CustomerKey | null): Need[] {
  const needs = facts.stock.map(
    ({ item, quantity: units }): Need => ({ kind: 'stock', item, quantity: units * quantity }),
  )
  if (facts.maxPerCustomer === null || customer === null) return needs
  const item = `customer/${customer}/${facts.sku}`
  return [...needs, { kind: 'quota', item, quantity, limit: facts.maxPerCustomer }]
}

/** One use of each code that counts, in all and of its customer. */
export function usesOf({ discounts, customer }: Pick<Wanted, 'customer' | 'discounts'>): Need[] {
  return discounts
    .filter(({ isCounted }) => isCounted)
    .flatMap(({ discount: { code, limits } }) => {
      const uses: Need[] = []
      if (limits.uses !== null) {
        uses.push({ kind: 'quota', item: `discount/${code}`, quantity: 1, limit: limits.uses })
      }
      if (limits.usesPerCustomer !== null && customer !== null) {
        const item = `discount/${code}/customer/${customer}`
        uses.push({ kind: 'quota', item, quantity: 1, limit: limits.usesPerCustomer })
      }
      return uses
    })
}

/** What all lines and codes need together, by `supplyKey`. Two lines may share an item, so no line is counted alone. */
export function demandOf(wanted: Wanted): Map<string, Need> {
  const demand = new Map<string, Need>()
  const ofLines = wanted.lines.flatMap((line) => needsOf(line, wanted.customer))
  for (const need of [...ofLines, ...usesOf(wanted)]) {
    const key = supplyKey(need)
    demand.set(key, { ...need, quantity: need.quantity + (demand.get(key)?.quantity ?? 0) })
  }
  return demand
}

/** All that the purchase may have something of: what its lines need, and what it holds. */
export function allSupplies(state: PurchaseState): Map<string, Supply> {
  const supplies = [...demandOf(state).values(), ...state.holds]
  return new Map(supplies.map(({ kind, item }) => [supplyKey({ kind, item }), { kind, item }]))
}

export function isLive(hold: Hold | undefined, at: EpochMs): hold is Hold {
  return hold !== undefined && hold.quantity > 0 && hold.expiresAt > at
}

/** Those of `supplies` whose live hold is not what the whole cart needs of them, or is in doubt, with what it needs. */
export function needsToChange(
  supplies: Iterable<Supply>,
  demand: ReadonlyMap<string, Need>,
  holds: readonly Hold[],
  at: EpochMs,
  isConfirmed: (supply: Supply, hold: Hold | undefined, at: EpochMs) => boolean,
): Need[] {
  const held = new Map(holds.map((hold) => [supplyKey(hold), hold]))
  const touched = new Map([...supplies].map((supply) => [supplyKey(supply), supply]))
  return [...touched].flatMap(([key, { kind, item }]) => {
    const need = demand.get(key) ?? { kind, item, quantity: 0 }
    const hold = held.get(key)
    const isHeld = need.quantity === (isLive(hold, at) ? hold.quantity : 0)
    return isHeld && isConfirmed(need, hold, at) ? [] : [need]
  })
}
