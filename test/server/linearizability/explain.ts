import type { Verdict } from './check.ts'
import type { Operation } from './history.ts'

/** So much of the prefix is shown; what went wrong began near its end. */
const PREFIX_SHOWN = 15

/** A verdict for people; null when there is nothing to say. */
export function explain(verdict: Verdict): string | null {
  if (verdict.kind === 'linearizable') return null
  const { kind, order, state, stuck, nodes } = verdict
  const [first, ...others] = stuck
  return [
    kind === 'violation'
      ? `no order explains these answers (${nodes} nodes searched)`
      : `gave up after ${nodes} nodes: nothing is shown`,
    `the longest order that does has ${order.length} operations, and ends:`,
    ...order.slice(-PREFIX_SHOWN).map(describe),
    `  leads to ${state}`,
    'cannot follow:',
    first ? describe(first) : '  (nothing)',
    ...(others.length > 0 ? ['answered at about the same time:', ...others.map(describe)] : []),
  ].join('\n')
}

function describe({ id, op, args, ok, result, startNs, endNs }: Operation): string {
  const outcome = ok === null ? '?' : `${ok ? 'ok' : 'refused'} ${JSON.stringify(result)}`
  return `  [${ms(startNs)}..${endNs === null ? '' : ms(endNs)}] ${id} ${op} ${JSON.stringify(args)} -> ${outcome}`
}

function ms(ns: number): string {
  return (ns / 1e6).toFixed(2)
}
