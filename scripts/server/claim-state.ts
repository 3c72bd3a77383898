import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { endOrphan, findOrphans } from './processes.ts'
import { type ServerSettings, UsageError } from './settings.ts'

const PORT_FREED_WITHIN_MS = 3_000

/** Kept for the life of the process: letting go of it (also by the garbage collector) would free the state. */
const held: DatabaseSync[] = []

/**
 * Makes this process the only server on its state folder, or throws a `UsageError` that names the other. The lock is SQLite's
 * on a file, so the operating system frees it however its holder ends: there is no stale lock to argue about.
 * Two servers on one folder would start without a word and then fail half of all requests.
 */
export async function claimState({ stateDir, port }: ServerSettings): Promise<void> {
  const note = join(stateDir, 'server.json')
  const lock = new DatabaseSync(join(stateDir, 'server.lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch {
    throw new UsageError(
      `another server runs on ${stateDir} (${describeHolder(note)}): stop it first, or use another STATE_DIR`,
    )
  }
  held.push(lock)
  writeFileSync(note, `${JSON.stringify({ pid: process.pid, port })}\n`)
  await endLeftovers(stateDir, port)
  await checkPort(port)
}

async function endLeftovers(stateDir: string, port: number): Promise<void> {
  for (const orphan of findOrphans()) {
    if (orphan.stateDir !== stateDir && orphan.port !== port) continue
    console.log(`ending a runtime that a dead server left behind (process ${orphan.pid})`)
    await endOrphan(orphan)
  }
}

/** A server that was just killed lets go of its port a moment after it is gone: its threads end one by one. */
async function checkPort(port: number): Promise<void> {
  const deadline = Date.now() + PORT_FREED_WITHIN_MS
  for (;;) {
    const error = await tryToListen(port)
    if (!error) return
    if (error.code !== 'EADDRINUSE') throw new UsageError(`cannot listen on port ${port}: ${error.message}`)
    if (Date.now() > deadline) {
      throw new UsageError(`port ${port} is taken by another program: stop it, or use another PORT`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function tryToListen(port: number): Promise<NodeJS.ErrnoException | null> {
  const probe = createServer()
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    probe.once('error', resolve)
    probe.listen({ port, host: '127.0.0.1' }, () => resolve(null))
  })
  if (!error) await new Promise((resolve) => probe.close(resolve))
  return error
}

function describeHolder(note: string): string {
  try {
    const { pid, port } = JSON.parse(readFileSync(note, 'utf8'))
    return `process ${pid}, http://localhost:${port}`
  } catch {
    return 'it has not said where'
  }
}
