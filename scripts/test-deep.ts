/**
 * `npm run test:deep`: 100,000 random histories of a Stock object against its reference model, in plain Node on SQLite in
 * memory. `FC_RUNS` and `FC_SEED` ask for another number, or for the same histories again.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Chunk, Report } from '../test/deep/chunk.ts'

const RUNS = Number(process.env.FC_RUNS ?? 100_000)
const SEED = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 0x7fffffff))
/** Histories of one seed: few enough that all processors end at nearly the same time. */
const CHUNK = 1_000
const PROGRESS_MS = 5_000

if (!Number.isSafeInteger(RUNS) || RUNS < 1 || !Number.isSafeInteger(SEED)) {
  console.error('FC_RUNS and FC_SEED must be whole numbers')
  process.exit(1)
}

const chunks: Chunk[] = Array.from({ length: Math.ceil(RUNS / CHUNK) }, (_, number) => ({
  number,
  seed: SEED + number,
  runs: Math.min(CHUNK, RUNS - number * CHUNK),
}))
const started = Date.now()
let begun = 0
const failures: string[] = []

const threads = Math.min(availableParallelism(), chunks.length)
console.error(`${RUNS} histories, seed ${SEED}, ${threads} threads`)
const progress = setInterval(() => {
  console.error(`  ${begun} of ${RUNS} after ${seconds()}`)
}, PROGRESS_MS)
await Promise.all(Array.from({ length: threads }, work))
clearInterval(progress)

for (const failure of failures) console.error(failure)
console.log(
  `${RUNS} histories, seed ${SEED}, ${seconds()}: ${failures.length === 0 ? 'all' : 'not all'} as the model says`,
)
process.exit(failures.length === 0 ? 0 : 1)

/** One thread: takes chunks until none are left, or until one has failed anywhere. */
async function work(): Promise<void> {
  const worker = new Worker(new URL('../test/deep/chunk.ts', import.meta.url))
  for (let chunk = chunks.shift(); chunk && failures.length === 0; chunk = chunks.shift()) {
    const failure = await play(worker, chunk)
    if (failure)
      failures.push(`histories ${chunk.number * CHUNK} and following, of FC_SEED=${SEED}: ${failure}`)
  }
  await worker.terminate()
}

/** Null, or what went wrong. */
function play(worker: Worker, chunk: Chunk): Promise<string | null> {
  worker.removeAllListeners()
  return new Promise((resolve) => {
    worker.on('message', (report: Report) => {
      if (report.kind === 'runs') begun += report.runs
      if (report.kind === 'done') resolve(null)
      if (report.kind === 'failed') resolve(report.failure)
    })
    worker.on('error', (error) =>
      resolve(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    )
    worker.on('exit', (code) => resolve(`the thread ended with code ${code}`))
    worker.postMessage(chunk)
  })
}

function seconds(): string {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`
}
