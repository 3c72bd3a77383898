/**
 * `npm run bench:replay -- --data path/to/2010-12-01.csv [--url http://localhost:8787 --key ...]`: a real day of a gift shop, bought
 * 32 invoices at a time from a store that has six tenths of what they ask for. Ends with an error when a promise was broken.
 */
import { parseArgs } from 'node:util'
import { ApiClient } from '../../scripts/api-client.ts'
import { startReceiver } from '../../scripts/receiver/webhook-receiver.ts'
import { newStateDir, removeStateDir, spawnServer } from '../../scripts/server/spawn-server.ts'
import { type Bought, buyDay, type Timings } from './buy-day.ts'
import { type Checks, checkDay } from './check-day.ts'
import { loadGoods, stockedUnits } from './load-goods.ts'
import { readDay, type TradingDay } from './read-day.ts'

const FAULTS_SHOWN = 20

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    url: { type: 'string' },
    key: { type: 'string' },
    concurrency: { type: 'string', default: '32' },
  },
})
if (!values.data) {
  console.error('say which day: npm run bench:replay -- --data path/to/2010-12-01.csv')
  process.exit(2)
}

const day = readDay(values.data)
showDay(day)
const stateDir = newStateDir()
const server = values.url ? null : await spawnServer({ stateDir })
const api = server?.api ?? new ApiClient(values.url!, values.key ?? process.env.ADMIN_KEY ?? '')
const receiver = await startReceiver()
try {
  const checks = await replay()
  for (const fault of checks.faults.slice(0, FAULTS_SHOWN)) console.log(`FAULT ${fault}`)
  console.log(checks.faults.length === 0 ? 'every promise held' : `${checks.faults.length} faults`)
  process.exitCode = checks.faults.length === 0 ? 0 : 1
} finally {
  await server?.stop()
  await receiver.close()
  removeStateDir(stateDir)
}

async function replay(): Promise<Checks> {
  const endpoint = await api.must('POST', '/v1/webhook-endpoints', {
    body: { url: receiver.url, types: ['*'], description: 'replay bench' },
  })
  receiver.secrets.push(endpoint.secret)
  const loadStarted = performance.now()
  await loadGoods(api, day.goods)
  console.log(`loaded ${day.goods.length} SKUs in ${seconds(performance.now() - loadStarted)}`)
  const { bought, timings } = await buyDay(api, day.invoices, Number(values.concurrency))
  showPurchases(bought, timings)
  const checks = await checkDay(api, day.goods, bought, receiver)
  console.log(
    `${checks.events} events in the log ${seconds(checks.logDrainMs)} after the last answer, ` +
      `${checks.deliveries} delivered and verified after ${seconds(checks.deliveryDrainMs)}`,
  )
  return checks
}

function showDay({ invoices, goods, leftOut }: TradingDay): void {
  const lines = invoices.reduce((sum, invoice) => sum + invoice.lines.length, 0)
  const longest = Math.max(...invoices.map((invoice) => invoice.lines.length))
  const units = goods.reduce((sum, { demand }) => sum + demand, 0)
  const stocked = goods.reduce((sum, { demand }) => sum + stockedUnits(demand), 0)
  console.log(`${invoices.length} invoices, ${lines} lines (at most ${longest}), ${goods.length} SKUs`)
  console.log(`${units} units asked for, ${stocked} in stock; rows left out: ${JSON.stringify(leftOut)}`)
}

function showPurchases(bought: readonly Bought[], { tookMs, cartMs, checkoutMs }: Timings): void {
  const placed = bought.filter(({ purchase }) => purchase.checkout?.status === 201).length
  const refused = bought.filter(({ purchase }) => (purchase.checkout ?? purchase.cart).status === 409).length
  console.log(
    `${bought.length} carts in ${seconds(tookMs)}: ${placed} orders, ${refused} refusals, ${bought.length - placed - refused} other`,
  )
  console.log(`${perSecond(bought.length, tookMs)} carts/s, ${perSecond(placed, tookMs)} orders/s`)
  console.log(`cart     p50 ${ms(cartMs, 0.5)}  p95 ${ms(cartMs, 0.95)}  max ${ms(cartMs, 1)}`)
  console.log(`checkout p50 ${ms(checkoutMs, 0.5)}  p95 ${ms(checkoutMs, 0.95)}  max ${ms(checkoutMs, 1)}`)
}

function ms(durations: readonly number[], share: number): string {
  const sorted = durations.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return value === undefined ? '-' : `${value.toFixed(0)} ms`
}

function perSecond(count: number, tookMs: number): string {
  return (count / (tookMs / 1_000)).toFixed(1)
}

function seconds(duration: number): string {
  return `${(duration / 1_000).toFixed(1)} s`
}
