interface Wanted {
  numRuns: number
  seed?: number
}

/** `FC_RUNS` and `FC_SEED` of the environment: more runs, or those that failed once more. A failure prints its seed. */
export function runs(usual: number): Wanted {
  const { FC_RUNS, FC_SEED } = (import.meta as unknown as { env: Record<string, string | undefined> }).env
  return { numRuns: Number(FC_RUNS ?? usual), ...(FC_SEED !== undefined && { seed: Number(FC_SEED) }) }
}
