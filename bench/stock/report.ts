import type { Measured, Round } from './compare.ts'
import type { Phase } from './load.ts'

/** The goal: a Stock command has at least this share of the floor's rate. */
export const GOAL = 0.8

export interface Summary {
  command: Measured
  ratio: number
}

/** Prints one comparison and answers its ratios: medians over the rounds, since single rounds meet a busy machine. */
export function showComparison(title: string, rounds: readonly Round[]): Summary[] {
  console.log(`\n${title}`)
  console.log('             requests/s      p50 ms      p99 ms  processor µs   ratio by round')
  return (['reserve', 'allocate'] as const).map((command) => {
    const own = rounds.filter((round) => round.command === command)
    const ratios = own.map(({ stock, floor }) => rate(stock) / rate(floor))
    const ratio = median(ratios)
    showLine(
      'floor',
      own.map(({ floor }) => floor),
    )
    showLine(
      command,
      own.map(({ stock }) => stock),
      ratios,
    )
    console.log(`  ${command} has ${ratio.toFixed(2)} of the floor (median); the goal is ${GOAL.toFixed(2)}`)
    return { command, ratio }
  })
}

function showLine(name: string, phases: readonly Phase[], ratios: number[] = []): void {
  const latencies = phases.flatMap((phase) => phase.latencies).sort((a, b) => a - b)
  const figures = [
    Math.round(median(phases.map(rate))).toLocaleString('en'),
    quantile(latencies, 0.5).toFixed(2),
    quantile(latencies, 0.99).toFixed(2),
    median(phases.map(({ count, processorMs }) => (processorMs / count) * 1_000)).toFixed(0),
  ]
  const byRound = ratios.map((ratio) => ratio.toFixed(2)).join(' ')
  console.log(`  ${name.padEnd(9)} ${figures.map((figure) => figure.padStart(11)).join(' ')}   ${byRound}`)
}

function rate({ count, tookMs }: Phase): number {
  return count / (tookMs / 1_000)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
