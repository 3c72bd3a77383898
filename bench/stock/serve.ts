import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unstable_readConfig as readConfig } from 'wrangler'
import { runWrangler } from '../../scripts/server/run-command.ts'
import { ROOT } from '../../scripts/server/settings.ts'
import { freePort } from '../../scripts/server/spawn-server.ts'
import { Wire } from './wire.ts'

const READY_WITHIN_MS = 30_000
const OBJECTS = [
  { className: 'Stock', binding: 'STOCK' },
  { className: 'CountedStock', binding: 'COUNTED' },
  { className: 'Floor', binding: 'FLOOR' },
]

export interface BenchServer {
  port: number
  /** Processor time that the server has used, in milliseconds; NaN where the system has no /proc. */
  processorMs(): number
  stop(): Promise<void>
}

/**
 * The objects under plain `workerd serve`: no wrangler, no miniflare, nothing between the socket and them but the bench's
 * own routes. Their files are in a new folder below `parent`, gone after `stop`.
 */
export async function serve(parent = tmpdir()): Promise<BenchServer> {
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'holdfast-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  try {
    await bundle(folder)
    const port = await freePort()
    mkdirSync(join(folder, 'objects'))
    writeFileSync(join(folder, 'config.capnp'), configText(folder, port))
    const child = await start(folder, port)
    return {
      port,
      processorMs: () => processorMs(child.pid!),
      async stop() {
        child.kill('SIGTERM')
        await ended(child)
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** What `wrangler deploy` makes of the objects, with its bundler and our settings. */
async function bundle(folder: string): Promise<void> {
  const config = join(folder, 'wrangler.json')
  const bindings = OBJECTS.map(({ className, binding }) => ({ name: binding, class_name: className }))
  const bench = {
    ...platformSettings(),
    name: 'bench',
    main: join(ROOT, 'bench/stock/worker/index.ts'),
    durable_objects: { bindings },
    migrations: [{ tag: 'bench', new_sqlite_classes: OBJECTS.map(({ className }) => className) }],
    define: { HOLDFAST_LOCAL: 'true' },
  }
  writeFileSync(config, JSON.stringify(bench))
  const { code, output } = await runWrangler(['deploy', '--config', config, '--dry-run', '--outdir', folder])
  if (code !== 0) throw new Error(`the bench worker does not build:\n${output}`)
}

/** The ones that the worker is deployed with. */
function platformSettings(): { compatibility_date: string; compatibility_flags: string[] } {
  const { compatibility_date, compatibility_flags } = readConfig({ config: join(ROOT, 'wrangler.toml') })
  return { compatibility_date: compatibility_date!, compatibility_flags }
}

function configText(folder: string, port: number): string {
  const { compatibility_date, compatibility_flags } = platformSettings()
  const settings = [
    `compatibilityDate = ${JSON.stringify(compatibility_date)}`,
    `compatibilityFlags = ${JSON.stringify(compatibility_flags)}`,
  ].join(', ')
  const namespaces = OBJECTS.map(
    ({ className }) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`,
  )
  const bindings = OBJECTS.map(
    ({ className, binding }) => `(name = "${binding}", durableObjectNamespace = "${className}")`,
  )
  return `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "bench", worker = (
      modules = [(name = "index.js", esModule = embed "index.js")],
      ${settings},
      bindings = [${bindings.join(', ')}, (name = "EVENTS_QUEUE", queue = "dropped")],
      durableObjectNamespaces = [${namespaces.join(', ')}],
      durableObjectStorage = (localDisk = "objects"))),
    (name = "objects", disk = (path = ${JSON.stringify(join(folder, 'objects'))}, writable = true)),
    # Nudges are taken and dropped; the bench is the relay.
    (name = "dropped", worker = (
      modules = [(name = "dropped.js", esModule = "export default { fetch: () => Response.json({}) }")],
      ${settings}))
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "bench")]
);
`
}

async function start(folder: string, port: number): Promise<ChildProcess> {
  const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string }
  const child = spawn(workerd, ['serve', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  // A bench that was interrupted takes its server and its files along.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  process.once('exit', () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  for (let deadline = Date.now() + READY_WITHIN_MS; !(await answers(port)); ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error('workerd did not come up')
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return child
}

async function answers(port: number): Promise<boolean> {
  try {
    const wire = await Wire.open(port)
    await wire.ask('GET', '/')
    wire.close()
    return true
  } catch {
    return false
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

/** In ticks of 10 ms: user and system are the 14th and 15th field, and the second, in parentheses, may hold spaces. */
function processorMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}
