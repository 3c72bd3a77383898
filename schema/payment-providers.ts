/**
 * Providers whose orders are placed before any money moves: the order is `pending` until staff write down that the
 * money came, and nothing is captured by itself.
 */
export const PAID_LATER: ReadonlySet<string> = new Set(['manual'])
