import type { Cost, Growth } from './cost.ts'
import { Load } from './load.ts'
import type { BenchServer } from './serve.ts'

const HISTORIES = [10, 10_000, 1_000_000]

/**
 * What a reserve reads and writes on an item with much behind it: unpruned, as if the relay had been away all the time,
 * and pruned, after it came and the object let go of what the log has. Answers whether all are alike.
 */
export async function measureGrowth(server: BenchServer): Promise<boolean> {
  const load = new Load(server, 1)
  const costs: Cost[] = []
  console.log(
    '\n  history    reservations   movements   waking: rows read, written   next: rows read, written',
  )
  for (const history of HISTORIES) {
    const item = `grown-${history}`
    const step = (name: string, values = '') => load.must(`/growth/${item}?step=${name}${values}`)
    await step('open', '&units=1000000')
    await step('grow', `&history=${history}`)
    for (const relay of ['away', 'came']) {
      if (relay === 'came') await step('drain')
      await step('restart')
      const growth = JSON.parse(await step('count')) as Growth
      showGrowth(history, relay, growth)
      costs.push(growth.next)
    }
  }
  const isFlat = costs.every(
    ({ rowsRead, rowsWritten }) => rowsRead === costs[0]!.rowsRead && rowsWritten === costs[0]!.rowsWritten,
  )
  console.log(isFlat ? 'the same whatever the history' : 'FAULT: the history costs')
  for (const statement of costs[0]!.statements) console.log(`  ${statement}`)
  return isFlat
}

function showGrowth(history: number, relay: string, { reservations, movements, waking, next }: Growth): void {
  const figures = [reservations, movements].map((n) => n.toLocaleString('en').padStart(11))
  const [w, n] = [waking, next].map(({ rowsRead, rowsWritten }) => `${rowsRead}, ${rowsWritten}`)
  console.log(
    `  ${history.toLocaleString('en').padEnd(10)} ${figures.join(' ')}   ${w!.padStart(20)} ${n!.padStart(26)}   relay ${relay}`,
  )
}
