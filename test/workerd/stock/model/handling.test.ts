import fc from 'fast-check'
import { afterEach, test } from 'vitest'
import { testClock } from '../../../../runtime/clock.ts'
import { silenceQueue } from '../stock-item.ts'
import { HANDLING } from './commands.ts'
import { histories } from './history.ts'
import { runs } from './runs.ts'
import { StockInWorkerd } from './stock-in-workerd.ts'

silenceQueue()
afterEach(() => testClock.reset())

const RUNS = runs(1_000)

test(`${RUNS.numRuns} histories of goods that come, spoil, travel and get lost under promises: the object answers, tells and keeps what the model does`, async () => {
  await fc.assert(
    histories(HANDLING, () => new StockInWorkerd()),
    RUNS,
  )
}, 180_000)
