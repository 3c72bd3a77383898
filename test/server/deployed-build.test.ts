import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiClient } from '../../scripts/api-client.ts'
import { type LocalServer, startLocalServer } from '../../scripts/server/local-server.ts'
import { migrateLocal } from '../../scripts/server/migrate-local.ts'
import { runWrangler } from '../../scripts/server/run-command.ts'
import { freePort, newStateDir, removeStateDir } from '../../scripts/server/spawn-server.ts'
import { SHOPPER } from '../../scripts/shopper.ts'
import { shelve } from './support/stock-shelf.ts'

/** The very script that `wrangler deploy` would upload, served here. */
const stateDir = newStateDir()
const bundleDir = mkdtempSync(join(tmpdir(), 'holdfast-deployed-'))
let server: LocalServer
let api: ApiClient

beforeAll(async () => {
  const { code, output } = await runWrangler(['deploy', '--dry-run', '--outdir', bundleDir])
  expect(code, output).toBe(0)
  await migrateLocal(stateDir)
  const adminKey = 'root-key-of-a-deployed-build'
  const port = await freePort()
  server = await startLocalServer(join(bundleDir, 'index.js'), {
    port,
    stateDir,
    adminKey,
    isAdminKeyGenerated: false,
    seed: 'none',
    payments: '',
    rateLimits: '',
  })
  api = new ApiClient(server.url, adminKey)
})

afterAll(async () => {
  await server?.stop()
  removeStateDir(stateDir)
  rmSync(bundleDir, { recursive: true, force: true })
})

test.each(['http://127.0.0.1:9999/', 'https://localhost/', 'https://[::1]/hook', 'http://example.com/'])(
  'a deployed build takes no webhook endpoint at %s',
  async (url) => {
    const answer = await api.call('POST', '/v1/webhook-endpoints', { body: { url, types: ['*'] } })
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ path: '/url' }])
  },
)

test('a deployed build sells nothing for test money unless PAYMENTS=test', async () => {
  await shelve(api, 'REAL', 1)
  const cart = await api.shop('POST', '/v1/carts', {
    body: { ...SHOPPER, lines: [{ sku: 'REAL', quantity: 1 }] },
  })
  expect(cart.status).toBe(201)
  const checkout = await api.shop('POST', `/v1/carts/${cart.body.id}/checkout`, {
    idempotencyKey: crypto.randomUUID(),
    body: { payment: { provider: 'test', token: 'tok_ok' } },
  })
  expect(checkout.status).toBe(400)
  expect(checkout.body.errors).toMatchObject([{ path: '/payment/provider' }])
})
