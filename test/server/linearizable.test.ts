import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  newStateDir,
  removeStateDir,
  SPAWNED_ADMIN_KEY,
  type SpawnedServer,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'
import { checkLinearizable } from './linearizability/check.ts'
import { Client } from './linearizability/client.ts'
import { explain } from './linearizability/explain.ts'
import { byItem, type Operation, type OperationName, parseLines } from './linearizability/history.ts'
import { Random } from './linearizability/random.ts'
import { Recorder } from './linearizability/recorder.ts'
import { ITEMS, Shop } from './linearizability/shop.ts'
import { STOCK_ITEM } from './linearizability/stock-item.ts'

const CLIENTS = 8
const STEPS_EACH = 60
/** Another one in each run. The printed one gives the same clients again, though never the same timing. */
const SEED = Number(process.env.LINEARIZABLE_SEED ?? Date.now() % 1_000_000)

let server: SpawnedServer
let stateDir: string

afterEach(async () => {
  await server?.killGroup()
  removeStateDir(stateDir)
})

test('what concurrent clients hear of an item could have been said to one client asking one thing at a time', async () => {
  const history = await record(SEED, async () => {})
  // Else nobody raced, or nobody gave up.
  expect(history.filter(({ result }) => result?.code === 'insufficient_stock').length).toBeGreaterThan(0)
  expect(history.filter(({ result }) => result?.code === 'stock_conflict').length).toBeGreaterThan(0)
  expect(linesOf(history, 'checkout').filter(({ result }) => result?.quantity).length).toBeGreaterThan(0)
  expect(linesOf(history, 'cancel').filter(({ ok }) => ok).length).toBeGreaterThan(0)
  expect(history.filter(({ ok }) => ok === null).length).toBeGreaterThan(0)
})

test('and so it is when the server is killed in the middle and started again', async () => {
  const history = await record(SEED + 1, async (shop) => {
    await shop.reached((CLIENTS * STEPS_EACH) / 2)
    await shop.recorder.duringRestart(async () => {
      await restart()
      shop.doubtUnanswered()
    })
  })
  // What was under way is unknown, and known to be over.
  expect(history.filter(({ ok, endNs }) => ok === null && endNs !== null).length).toBeGreaterThan(0)
})

async function restart(): Promise<void> {
  const { port } = server
  await server.killGroup()
  server = await spawnServer({ stateDir, port })
}

/** Runs the clients, with whatever happens meanwhile, and checks what they wrote down; the file stays when it is wrong. */
async function record(seed: number, meanwhile: (shop: Shop) => Promise<void>): Promise<Operation[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-history-'))
  const file = join(folder, 'history.jsonl')
  stateDir = newStateDir()
  server = await spawnServer({ stateDir })
  const shop = new Shop(new Recorder(server.url, SPAWNED_ADMIN_KEY, file))
  await shop.open(server.api)
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) => new Client(shop, new Random(seed * CLIENTS + index)),
  )
  await Promise.all([...clients.map((client) => client.run(STEPS_EACH)), meanwhile(shop)])
  for (const item of ITEMS) await shop.readLevels(item)

  const history = parseLines(readFileSync(file, 'utf8'))
  for (const [item, operations] of byItem(history)) {
    const fault = explain(checkLinearizable(operations, STOCK_ITEM))
    if (fault) throw new Error(`${item}, LINEARIZABLE_SEED=${SEED}, history in ${file}\n${fault}`)
  }
  rmSync(folder, { recursive: true })
  return history
}

function linesOf(history: readonly Operation[], name: OperationName): Operation[] {
  return history.filter(({ op }) => op === name)
}
