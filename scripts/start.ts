/** `npm start`: the local server, from a state folder that may be empty, old, or left by a crash. */
import { buildLocalBundle } from './server/build-bundle.ts'
import { claimState } from './server/claim-state.ts'
import type { LocalServer } from './server/local-server.ts'
import { readSettings, UsageError } from './server/settings.ts'

const PARENT_CHECK_MS = 500

// Before wrangler and miniflare are loaded, which read it then: capturing every request costs about half of the speed.
process.env.X_LOCAL_OBSERVABILITY = 'false'
process.env.WRANGLER_SEND_METRICS = 'false'
process.env.WRANGLER_LOG ??= 'error'

let server: LocalServer | null = null
let isStopping = false

process.on('SIGINT', () => stop(0))
process.on('SIGTERM', () => stop(0))
stopWithParent()

try {
  await start()
} catch (error) {
  if (!isStopping) {
    console.error(error instanceof UsageError ? error.message : error)
    await stop(1)
  }
}

async function start(): Promise<void> {
  const settings = readSettings(process.env)
  await claimState(settings)
  console.log('building the worker')
  const script = await buildLocalBundle()
  const { migrateLocal } = await import('./server/migrate-local.ts')
  await migrateLocal(settings.stateDir)
  console.log(`starting the runtime on ${settings.stateDir}`)
  const { startLocalServer } = await import('./server/local-server.ts')
  server = await startLocalServer(script, settings)
  if (settings.seed === 'demo') {
    const { seedOnce } = await import('./demo/seed-once.ts')
    await seedOnce(server.url, settings)
  }
  if (settings.isAdminKeyGenerated) console.log(`root key (ADMIN_KEY): ${settings.adminKey}`)
  if (!isStopping) console.log(`ready ${server.url}`)
}

async function stop(code: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  await server?.stop().catch(() => {})
  process.exit(code)
}

/** A killed parent (scripts/bootstrap.mjs, a test) tells nobody; a server nobody can stop would keep port and state. */
function stopWithParent(): void {
  if (process.env.HOLDFAST_STOP_WITH_PARENT !== '1') return
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && stop(0), PARENT_CHECK_MS).unref()
}
