import { isBeyondHand, type Reservation } from './state.ts'

/** So many orders are named in one `stock.shortage`: some 40 KB; more are told in further ones. */
export const SHORTAGE_ORDERS_MAX = 500

interface ShortageFacts {
  /** Units that orders were promised and that are not there any more. */
  missing: number
  orders: { orderId: string; quantity: number }[]
}

/** Which orders one movement left without goods: gathered while promises move, told when all have found their place. */
export class Losses {
  readonly #lost = new Map<string, number>()

  /** One step of a promise; a later one may have found other goods for it. */
  note(before: Reservation, after: Reservation): void {
    if (after.state !== 'allocated') return
    const units = beyondHand(after) - beyondHand(before)
    this.#lost.set(after.orderId!, (this.#lost.get(after.orderId!) ?? 0) + units)
  }

  told(): ShortageFacts[] {
    const orders = [...this.#lost]
      .filter(([, quantity]) => quantity > 0)
      .map(([orderId, quantity]) => ({ orderId, quantity }))
    const told: ShortageFacts[] = []
    for (let first = 0; first < orders.length; first += SHORTAGE_ORDERS_MAX) {
      const some = orders.slice(first, first + SHORTAGE_ORDERS_MAX)
      told.push({ missing: some.reduce((units, { quantity }) => units + quantity, 0), orders: some })
    }
    return told
  }
}

function beyondHand({ shares }: Reservation): number {
  return shares.find(isBeyondHand)?.quantity ?? 0
}
