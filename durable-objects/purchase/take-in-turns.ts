/** One thing to be taken, and how many more of it there seem to be than are asked for; null where nobody could tell. */
export interface Candidate<T> {
  name: string
  spare: number | null
  take: T
}

/**
 * With so many units to spare an item is not fought over: one Stock object grants a few hundred holds a second, so they
 * are not gone in the milliseconds between the look and the hold.
 */
export const AMPLE_UNITS = 100

/** Each costs a round trip of its own; 24 stay below a second where a round trip is 40 ms. */
export const ONE_BY_ONE_MAX = 24

/**
 * In which order to take several things of which others want some too, all or none: first those that may be fought over,
 * one by one and in one order for everybody, then the others at once.
 *
 * Why in one order: buyers who take side by side each get one half of the last bundle and are both refused. In one order
 * that cannot be: were all refused, consider the one refused at the last item of the order. Whoever had that item then
 * was refused at a later one, which is none, or kept it and was not refused. So the item was truly gone, or somebody
 * succeeded. It needs no waiting and no second try.
 */
export function inTurns<T>(candidates: readonly Candidate<T>[]): { oneByOne: T[]; atOnce: T[] } {
  const scarceFirst = candidates
    .filter(({ spare }) => spare === null || spare < AMPLE_UNITS)
    .sort((a, b) => (a.spare ?? 0) - (b.spare ?? 0))
  const oneByOne = scarceFirst.slice(0, ONE_BY_ONE_MAX)
  const rest = candidates.filter((candidate) => !oneByOne.includes(candidate))
  return {
    oneByOne: oneByOne.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ take }) => take),
    atOnce: rest.map(({ take }) => take),
  }
}
