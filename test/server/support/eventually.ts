/** Asks until the answer passes or the time is up; then fails with the last one. For what travels through queue and alarms. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  isDone: (value: T) => boolean,
  withinMs: number,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const value = await ask()
    if (isDone(value)) return value
    if (Date.now() > deadline) {
      throw new Error(`not reached within ${withinMs} ms; last: ${JSON.stringify(value)?.slice(0, 1_500)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
