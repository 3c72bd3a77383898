import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiClient } from '../api-client.ts'
import { ROOT } from './settings.ts'

const READY_WITHIN_MS = 90_000

export interface SpawnedServer {
  url: string
  port: number
  stateDir: string
  /** Holds the root key. */
  api: ApiClient
  /** Process id of the server's Node; also the id of its process group. */
  pid: number
  /** All that was printed until now. */
  output(): string
  /** Ends it as Ctrl-C does and waits. */
  stop(): Promise<void>
  /** `kill -9` of the whole process group: server and runtime at once, with no chance to tidy up. */
  killGroup(): Promise<void>
  /** `kill -9` of the server's Node alone: the runtime lives on. */
  killNodeOnly(): Promise<void>
}

export interface SpawnOptions {
  stateDir?: string
  port?: number
  seed?: 'demo' | 'none'
  env?: Record<string, string>
}

/** For servers of tests and benches. */
export const SPAWNED_ADMIN_KEY = 'root-key-of-a-spawned-server'

export function newStateDir(): string {
  return mkdtempSync(join(tmpdir(), 'holdfast-state-'))
}

export function removeStateDir(stateDir: string): void {
  rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 })
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

export interface StartingServer {
  child: ChildProcess
  port: number
  stateDir: string
  output(): string
  /** The exit code, once it has ended. */
  ended: Promise<number | null>
}

/** Starts `scripts/start.ts` in a process group of its own; does not wait for anything. */
export async function launchServer(options: SpawnOptions = {}): Promise<StartingServer> {
  const port = options.port ?? (await freePort())
  const stateDir = options.stateDir ?? newStateDir()
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.ts')], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: String(port),
      STATE_DIR: stateDir,
      ADMIN_KEY: SPAWNED_ADMIN_KEY,
      SEED: options.seed ?? 'none',
      // A test runner that dies takes its servers with it.
      HOLDFAST_STOP_WITH_PARENT: '1',
      ...options.env,
    },
  })
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  child.stderr?.on('data', (chunk) => {
    text += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, port, stateDir, output: () => text, ended }
}

/** Starts a server and waits for its ready line. */
export async function spawnServer(options: SpawnOptions = {}): Promise<SpawnedServer> {
  const starting = await launchServer(options)
  await untilReady(starting)
  const { child, port, stateDir, output, ended } = starting
  const pid = child.pid!
  const kill = async (target: number, signal: NodeJS.Signals) => {
    try {
      process.kill(target, signal)
    } catch {
      // It had ended by itself.
    }
    await exited(child)
  }
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    stateDir,
    api: new ApiClient(url, options.env?.ADMIN_KEY ?? SPAWNED_ADMIN_KEY),
    pid,
    output,
    async stop() {
      await kill(pid, 'SIGTERM')
      await ended
    },
    async killGroup() {
      await kill(-pid, 'SIGKILL')
      await ended
    },
    // The runtime keeps the output pipes open, so only the exit is waited for.
    killNodeOnly: () => kill(pid, 'SIGKILL'),
  }
}

async function untilReady({ child, port, output, ended }: StartingServer): Promise<void> {
  const line = new RegExp(`^ready http://localhost:${port}$`, 'm')
  let hasEnded = false
  void ended.then(() => {
    hasEnded = true
  })
  const deadline = Date.now() + READY_WITHIN_MS
  while (!line.test(output())) {
    if (hasEnded) throw new Error(`the server ended before it was ready:\n${output()}`)
    if (Date.now() > deadline) {
      process.kill(-child.pid!, 'SIGKILL')
      throw new Error(`the server was not ready within ${READY_WITHIN_MS} ms:\n${output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}
