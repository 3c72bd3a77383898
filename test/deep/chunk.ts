import { parentPort } from 'node:worker_threads'
import fc from 'fast-check'
import { BUSTLING, HANDLING, SELLING } from '../workerd/stock/model/commands.ts'
import { histories } from '../workerd/stock/model/history.ts'
import { StockInNode } from './stock-in-node.ts'

/** So many histories with one seed; the whole is made of chunks, so that it is the same on any number of processors. */
export interface Chunk {
  number: number
  seed: number
  runs: number
}

export type Report = { kind: 'runs'; runs: number } | { kind: 'done' } | { kind: 'failed'; failure: string }

/** Short histories, and so many that they meet what a long one meets. */
const SIZE = { minLength: 3, maxLength: 24 }
/** One chunk in so many is of long histories, which take ten times as long. */
const BUSTLING_EVERY = 50
/** Runs between two words of progress. */
const TELL_EVERY = 100

function weightsOf({ number }: Chunk) {
  if (number % BUSTLING_EVERY === BUSTLING_EVERY - 1) return BUSTLING
  return number % 2 === 0 ? SELLING : HANDLING
}

async function run(chunk: Chunk): Promise<Report> {
  let begun = 0
  const make = (isUnborn: boolean) => {
    begun += 1
    if (begun % TELL_EVERY === 0) tell({ kind: 'runs', runs: TELL_EVERY })
    return new StockInNode(isUnborn)
  }
  try {
    await fc.assert(histories(weightsOf(chunk), make, SIZE), { seed: chunk.seed, numRuns: chunk.runs })
    return { kind: 'done' }
  } catch (error) {
    const { message, cause } = error as Error
    return { kind: 'failed', failure: `${message}\n${cause instanceof Error ? cause.stack : ''}` }
  }
}

function tell(report: Report): void {
  parentPort!.postMessage(report)
}

// What the objects log in passing (a disk that was made to fail) is none of the reader's business here.
for (const level of ['log', 'warn'] as const) console[level] = () => {}
parentPort!.on('message', async (chunk: Chunk) => tell(await run(chunk)))
