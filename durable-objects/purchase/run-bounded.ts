/** 32 calls to other objects at once: a cart of 1,000 lines takes some 30 rounds and does not flood its isolate. */
const CALLS_AT_ONCE = 32

/** Runs `task` over all of `inputs`, a bounded number at a time; answers in the order of the inputs. */
export async function runBounded<T, R>(
  inputs: readonly T[],
  task: (input: T) => Promise<R>,
  limit: number = CALLS_AT_ONCE,
): Promise<R[]> {
  const results = new Array<R>(inputs.length)
  let next = 0
  const worker = async () => {
    while (next < inputs.length) {
      const index = next++
      results[index] = await task(inputs[index]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, inputs.length) }, worker))
  return results
}
