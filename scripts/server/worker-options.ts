import { dirname, join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, type MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler'
import { ownMarks } from './processes.ts'
import { ROOT, type ServerSettings } from './settings.ts'

type V4Options = Parameters<typeof convertV4MiniflareOptions>[0]

/** What every local runtime of ours has in common: where its state is, what it logs, and the marks it is found by. */
export function miniflareOptions(stateDir: string, worker: V4Options, port?: number): MiniflareOptions {
  return convertV4MiniflareOptions({
    ...worker,
    // `wrangler dev --persist-to {stateDir}` keeps its state in `v3`: both servers see one state (one at a time).
    resourcePersistencePath: join(stateDir, 'v3'),
    host: '127.0.0.1',
    ...(port ? { port } : {}),
    cf: false,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    unsafeObservability: false,
    telemetry: { enabled: false },
    handleStructuredLogs: ({ level, message }) => {
      const stream = level === 'error' || level === 'warn' ? process.stderr : process.stdout
      stream.write(`${message}\n`)
    },
    unsafeRuntimeEnv: ownMarks(stateDir, port ?? 0),
  } as V4Options)
}

/** The worker with the bindings of wrangler.toml, consumer values of the queue included, and the settings of the environment. */
export function workerOptions(script: string, settings: ServerSettings): V4Options {
  const { workerOptions } = readWorkerOptions(join(ROOT, 'wrangler.toml'))
  // What wrangler's own bundler would need; the bundle is one finished script.
  const { modulesRules, textBlobBindings, dataBlobBindings, wasmBindings, externalWorkers, ...bindings } =
    workerOptions as Record<string, unknown>
  return {
    ...bindings,
    name: 'holdfast',
    modules: true,
    scriptPath: script,
    // Module names are relative to it and may not climb out of it.
    modulesRoot: dirname(script),
    bindings: {
      ...(bindings.bindings as Record<string, unknown>),
      ADMIN_KEY: settings.adminKey,
      PAYMENTS: settings.payments,
      ...settings.paymentSecrets,
      RATE_LIMITS: settings.rateLimits,
    },
  } as V4Options
}
