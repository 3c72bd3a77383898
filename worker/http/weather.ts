/**
 * True for a failure of the platform, which passes by itself, as opposed to a bug of ours, which does not: an object that
 * was overloaded or cut off (`retryable`, `overloaded`: developers.cloudflare.com/durable-objects/best-practices/
 * error-handling), or a D1 that could not be reached. A statement that D1 itself refuses names SQLite's code and is a bug.
 *
 * The net below the places that understand their own weather (clients, queue loop, payment providers).
 */
export function isWeather(error: unknown): boolean {
  const { retryable, overloaded } = (error ?? {}) as { retryable?: boolean; overloaded?: boolean }
  if (retryable || overloaded) return true
  const message = error instanceof Error ? error.message : ''
  if (message.startsWith('Network connection lost')) return true
  return message.startsWith('D1_ERROR') && !/SQLITE_(?!BUSY|FULL|IOERR)/.test(message)
}
