/** `npm run dev`: as `npm start`, on `wrangler dev` with hot reload; slower, but a saved file is served at once. */
import { spawn } from 'node:child_process'
import { claimState } from './server/claim-state.ts'
import { migrateLocal } from './server/migrate-local.ts'
import { ownMarks } from './server/processes.ts'
import { QUIET, scriptOf } from './server/run-command.ts'
import { ROOT, readSettings, UsageError } from './server/settings.ts'

const CRON_EVERY_MS = 10_000

try {
  await dev()
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exit(1)
}

async function dev(): Promise<void> {
  const settings = readSettings(process.env)
  await claimState(settings)
  await migrateLocal(settings.stateDir)
  const url = `http://127.0.0.1:${settings.port}`
  const variables = {
    ADMIN_KEY: settings.adminKey,
    PAYMENTS: settings.payments,
    ...settings.paymentSecrets,
    RATE_LIMITS: settings.rateLimits,
  }
  const child = spawn(
    process.execPath,
    [
      scriptOf('wrangler', 'wrangler'),
      'dev',
      ...['--ip', '127.0.0.1', '--port', String(settings.port), '--persist-to', settings.stateDir],
      ...['--define', 'HOLDFAST_LOCAL:true', '--test-scheduled', '--show-interactive-dev-session=false'],
      ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...QUIET,
        ...ownMarks(settings.stateDir, settings.port),
        X_LOCAL_OBSERVABILITY: 'false',
      },
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))

  await untilAnswering(url)
  const cron = () => fetch(`${url}/__scheduled?cron=*+*+*+*+*`).then(drain, () => {})
  void cron()
  setInterval(cron, CRON_EVERY_MS).unref()
  if (settings.seed === 'demo') {
    const { seedOnce } = await import('./demo/seed-once.ts')
    await seedOnce(url, settings)
  }
  if (settings.isAdminKeyGenerated) console.log(`root key (ADMIN_KEY): ${settings.adminKey}`)
  console.log(`ready http://localhost:${settings.port}`)
}

async function untilAnswering(url: string): Promise<void> {
  for (;;) {
    const isUp = await fetch(`${url}/healthz`).then(drain, () => false)
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function drain(response: Response): Promise<boolean> {
  await response.arrayBuffer()
  return response.ok
}
