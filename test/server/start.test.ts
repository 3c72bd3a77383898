import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ApiClient } from '../../scripts/api-client.ts'
import { findOrphans } from '../../scripts/server/processes.ts'
import {
  freePort,
  launchServer,
  newStateDir,
  removeStateDir,
  type SpawnedServer,
  type SpawnOptions,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'

const started: SpawnedServer[] = []
const stateDirs: string[] = []

function stateDir(): string {
  const folder = newStateDir()
  stateDirs.push(folder)
  return folder
}

async function start(options: SpawnOptions): Promise<SpawnedServer> {
  const server = await spawnServer(options)
  started.push(server)
  return server
}

afterEach(async () => {
  for (const server of started.splice(0)) await server.killGroup()
  for (const folder of stateDirs.splice(0)) removeStateDir(folder)
})

test('a store is born with one location, one market and one free shipping method', async () => {
  const { api } = await start({ stateDir: stateDir() })
  const store = await api.must('GET', '/v1/store')
  expect(store).toMatchObject({ defaultMarket: 'main' })
  expect(store.markets).toMatchObject([
    { code: 'main', currency: 'EUR', countries: [], pricesIncludeTax: true },
  ])
  const { items } = await api.must('GET', '/v1/products')
  expect(items).toEqual([])
})

test('the state survives a restart and a kill of the whole process group', async () => {
  const folder = stateDir()
  const port = await freePort()
  const first = await start({ stateDir: folder, port })
  await first.api.must('PUT', '/v1/admin/markets/dk', { body: { name: 'Denmark', currency: 'DKK' } })
  await first.stop()
  const second = await start({ stateDir: folder, port })
  expect(await marketCodes(second.api)).toEqual(['dk', 'main'])
  await second.api.must('PUT', '/v1/admin/markets/se', { body: { name: 'Sweden', currency: 'SEK' } })
  await second.killGroup()
  const third = await start({ stateDir: folder, port })
  expect(await marketCodes(third.api)).toEqual(['dk', 'main', 'se'])
})

test.each([
  ['nothing is there', '/v1/nowhere', 404],
  ['nobody may', '/v1/admin/stock/X/movements', 401],
])(
  'a connection on which a body was refused because %s answers the next request too',
  async (_, path, status) => {
    const { port } = await start({ stateDir: stateDir() })
    const socket = connect(port, '127.0.0.1')
    const statuses: number[] = []
    const closed = once(socket, 'close')
    // Head and body of an answer may come apart: only a new status is a new answer.
    socket.on('data', (bytes) => {
      for (const [, code] of String(bytes).matchAll(/HTTP\/1\.1 (\d+)/g)) {
        statuses.push(Number(code))
        // An answer later, so that the server had the time to close.
        if (statuses.length === 1)
          fetch(`http://localhost:${port}/healthz`).then(() => ask('/healthz', 'GET'))
        if (statuses.length === 2) socket.end()
      }
    })
    const ask = (target: string, method: string, body = '') =>
      socket.write(
        `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    ask(path, 'POST', '{"quantity":1}')
    await closed
    expect(statuses).toEqual([status, 200])
  },
)

test('a second server on one state folder is refused and told where the first is', async () => {
  const folder = stateDir()
  const first = await start({ stateDir: folder })
  const second = await launchServer({ stateDir: folder })
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(`another server runs on ${folder} (process ${first.pid}`)
  expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
})

test('a port that another program holds is named, and the state is left alone', async () => {
  const first = await start({ stateDir: stateDir() })
  const second = await launchServer({ stateDir: stateDir(), port: first.port })
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(`port ${first.port} is taken`)
})

test.runIf(existsSync('/proc/self/environ'))(
  'a runtime that outlived its server is ended by the next start, which serves on the same port',
  async () => {
    const folder = stateDir()
    const port = await freePort()
    const first = await start({ stateDir: folder, port })
    await first.killNodeOnly()
    const mine = () => findOrphans().filter((orphan) => orphan.stateDir === folder)
    expect(mine()).toHaveLength(1)
    const second = await start({ stateDir: folder, port })
    expect(second.output()).toContain('ending a runtime that a dead server left behind')
    expect(mine()).toEqual([])
    expect((await fetch(`${second.url}/healthz`)).status).toBe(200)
  },
)

test('without ADMIN_KEY a root key is made, printed, and kept over a restart', async () => {
  const folder = stateDir()
  const options = { stateDir: folder, env: { ADMIN_KEY: '' } }
  const first = await start(options)
  const key = /^root key \(ADMIN_KEY\): (\S+)$/m.exec(first.output())?.[1]
  expect(key).toMatch(/^hf_root_.{32}$/)
  await first.stop()
  const second = await start(options)
  expect(second.output()).toContain(`root key (ADMIN_KEY): ${key}`)
  const answer = await new ApiClient(second.url, key!).call('GET', '/v1/admin/stock')
  expect(answer.status).toBe(200)
})

test('a wrong setting is told in one line', async () => {
  const server = await launchServer({ stateDir: stateDir(), env: { SEED: 'everything' } })
  expect(await server.ended).toBe(1)
  expect(server.output().trim()).toBe('SEED=everything is not known: use demo or none')
})

test('a seeding that was cut is finished by the next start, without a unit too many', async () => {
  const folder = stateDir()
  const port = await freePort()
  const cut = await launchServer({ stateDir: folder, port, seed: 'demo' })
  while (!/^seeding: stock/m.test(cut.output())) await new Promise((resolve) => setTimeout(resolve, 5))
  process.kill(-cut.child.pid!, 'SIGKILL')
  await cut.ended
  expect(existsSync(join(folder, 'seeded'))).toBe(false)

  const { api } = await start({ stateDir: folder, port, seed: 'demo' })
  expect(existsSync(join(folder, 'seeded'))).toBe(true)
  const lamp = await api.must('GET', '/v1/admin/stock/LAMP-LIGHTHOUSE')
  expect(lamp).toMatchObject({ onHand: 5, available: 5 })
  const rope = await api.must('GET', '/v1/admin/stock/ROPE-20')
  expect(rope).toMatchObject({ onHand: 600 })
})

async function marketCodes(api: ApiClient): Promise<string[]> {
  const { markets } = await api.must<{ markets: { code: string }[] }>('GET', '/v1/store')
  return markets.map(({ code }) => code).sort()
}
