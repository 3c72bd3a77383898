export interface Weight {
  /** Decides between equal remainders, so that the order of parts decides nothing; unique. */
  key: string
  amount: bigint
}

/**
 * Splits an amount in proportion to weights, by largest remainder: the parts sum to the whole, and where the whole is not
 * above the sum of the weights no part is above its own.
 */
export function allocateAmount(whole: bigint, weights: readonly Weight[]): bigint[] {
  const sum = weights.reduce((total, { amount }) => total + amount, 0n)
  if (sum === 0n) return weights.map(() => 0n)
  const parts = weights.map(({ amount }) => (whole * amount) / sum)
  const left = whole - parts.reduce((total, part) => total + part, 0n)
  const remainders = weights.map(({ key, amount }, index) => ({ key, index, rest: (whole * amount) % sum }))
  remainders.sort((a, b) => (a.rest === b.rest ? (a.key < b.key ? -1 : 1) : a.rest < b.rest ? 1 : -1))
  // Fewer than there are parts with a remainder.
  for (const { index } of remainders.slice(0, Number(left))) parts[index]! += 1n
  return parts
}
