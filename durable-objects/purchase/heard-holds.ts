import type { EpochMs } from '../../runtime/clock.ts'
import { isLive, supplyKey } from './demand.ts'
import type { Hold, Supply } from './state.ts'

type Held = Pick<Hold, 'quantity' | 'expiresAt'>

/**
 * What Stock last said that it holds for this purchase, in this life of the object. The document tells what was committed,
 * and Stock may have gone further: the object died between its answer and the commit, or the answer was lost. So only a
 * hold that Stock was heard to confirm needs no call; any other is said again, under a newer version, whatever the
 * document believes. Memory only: to write an intention down before each call would cost every change a row and the wait for
 * it, and this costs one call after the object woke.
 */
export class HeardHolds {
  /** Null: asked, and the answer was not heard. Nothing: not asked in this life. */
  readonly #said = new Map<string, Held | null>()
  /** Where it is not known what is held: a refusal told that it is not more than this. */
  readonly #most = new Map<string, number>()

  /** A command is on its way: until its answer is here, either may be true. Answers what was known before. */
  asking(supply: Supply): Held | null | undefined {
    const key = supplyKey(supply)
    const before = this.#said.get(key)
    this.#said.set(key, null)
    this.#most.delete(key)
    return before
  }

  granted(supply: Supply, { quantity, expiresAt }: Held): void {
    this.#said.set(supplyKey(supply), { quantity, expiresAt })
  }

  /** A refusal changes nothing: what was known still is. An unheard command from before it may still come in, so doubt stays too. */
  refused(supply: Supply, before: Held | null | undefined, most: number): void {
    const key = supplyKey(supply)
    if (before === undefined) this.#said.delete(key)
    else this.#said.set(key, before)
    if (!before) this.#most.set(key, most)
  }

  /** What was held is an order's now, or no longer. */
  forget(supply: Supply): void {
    this.#said.delete(supplyKey(supply))
  }

  /** A command of an earlier life may have been granted and not written down. */
  doubt(supplies: Iterable<Supply>): void {
    for (const supply of supplies) this.#said.set(supplyKey(supply), null)
  }

  /** Whether a command was sent whose answer nobody heard. */
  isInDoubt(supply: Supply): boolean {
    return this.#said.get(supplyKey(supply)) === null
  }

  /** Whether Stock was heard to hold just this: `hold`, or nothing. */
  isConfirmed(supply: Supply, hold: Hold | undefined, at: EpochMs): boolean {
    const said = this.#said.get(supplyKey(supply))
    if (!said) return false
    const isHeld = said.quantity > 0 && said.expiresAt > at
    if (!isLive(hold, at)) return !isHeld
    return isHeld && said.quantity === hold.quantity && said.expiresAt === hold.expiresAt
  }

  /** The same holds, but the live ones as Stock was heard to say: for what a refusal brought to light. */
  correct(holds: Hold[], at: EpochMs): Hold[] {
    const corrected = holds.map((hold): Hold => {
      if (!isLive(hold, at)) return hold
      const key = supplyKey(hold)
      const said = this.#said.get(key)
      const quantity = said?.quantity ?? Math.min(hold.quantity, this.#most.get(key) ?? hold.quantity)
      const expiresAt = said?.expiresAt ?? hold.expiresAt
      return quantity === hold.quantity && expiresAt === hold.expiresAt
        ? hold
        : { ...hold, quantity, expiresAt }
    })
    return corrected.every((hold, index) => hold === holds[index])
      ? holds
      : corrected.filter(({ quantity }) => quantity > 0)
  }
}
