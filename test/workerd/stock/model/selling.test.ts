import fc from 'fast-check'
import { afterEach, test } from 'vitest'
import { testClock } from '../../../../runtime/clock.ts'
import { silenceQueue } from '../stock-item.ts'
import { BUSTLING, SELLING } from './commands.ts'
import { histories } from './history.ts'
import { runs } from './runs.ts'
import { StockInWorkerd } from './stock-in-workerd.ts'

silenceQueue()
afterEach(() => testClock.reset())

const SELLING_RUNS = runs(1_000)
const BUSTLING_RUNS = runs(20)

test(`${SELLING_RUNS.numRuns} histories of carts and orders that contend: the object answers, tells and keeps what the model does, over evictions, repeats and late commands`, async () => {
  await fc.assert(
    histories(SELLING, () => new StockInWorkerd()),
    SELLING_RUNS,
  )
}, 180_000)

test(`${BUSTLING_RUNS.numRuns} long histories: movements leave the object for the log, and nothing of what they did is lost`, async () => {
  await fc.assert(
    histories(BUSTLING, () => new StockInWorkerd()),
    BUSTLING_RUNS,
  )
}, 180_000)
