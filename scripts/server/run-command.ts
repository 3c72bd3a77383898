import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ROOT } from './settings.ts'

const require = createRequire(import.meta.url)

export interface CommandResult {
  code: number
  /** Both streams as they came. */
  output: string
}

/** The script behind a command of an installed package, to be run by this Node: a `#!` line would find the host's. */
export function scriptOf(packageName: string, command: string): string {
  const manifestPath = join(ROOT, 'node_modules', packageName, 'package.json')
  const { bin } = require(manifestPath) as { bin: string | Record<string, string> }
  const path = typeof bin === 'string' ? bin : bin[command]
  if (!path) throw new Error(`${packageName} has no command ${command}`)
  return join(dirname(manifestPath), path)
}

/** Runs a script with this Node in the repository's folder. `onLine` sees the output as it comes. */
export function runNode(
  argumentList: string[],
  options: { env?: Record<string, string>; onOutput?: (text: string) => void } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, argumentList, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...QUIET, ...options.env },
  })
  let output = ''
  const take = (chunk: Buffer) => {
    output += chunk.toString()
    options.onOutput?.(chunk.toString())
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

export function runWrangler(
  argumentList: string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return runNode([scriptOf('wrangler', 'wrangler'), ...argumentList], { env })
}

/** No statistics sent and no update banner in what we show. */
export const QUIET = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' }
