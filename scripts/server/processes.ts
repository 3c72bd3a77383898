import { existsSync, readdirSync, readFileSync } from 'node:fs'

/**
 * Variables that the runtime of a local server is started with. Its command line names neither state nor port, and Miniflare
 * replaces it when it dies, so a noted process id would go stale; what stands in its environment does not.
 */
const MARKS = {
  owner: 'HOLDFAST_SERVER',
  stateDir: 'HOLDFAST_SERVER_STATE_DIR',
  port: 'HOLDFAST_SERVER_PORT',
} as const

/** What a runtime of this process is started with. */
export function ownMarks(stateDir: string, port: number): Record<string, string> {
  return {
    [MARKS.owner]: processIdentity(process.pid) ?? '',
    [MARKS.stateDir]: stateDir,
    [MARKS.port]: String(port),
  }
}

export interface Orphan {
  pid: number
  stateDir: string
  port: number
}

/** `{pid}:{start time}` of a live process: a reused process id has another start time. */
export function processIdentity(pid: number): string | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The second field is the command in parentheses and may hold spaces; the start time is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended: only its parent has not read its exit code.
  return fields[0] === 'Z' ? null : `${pid}:${fields[19]}`
}

/**
 * Runtimes (workerd) whose server is gone: a `kill -9` of the server's node alone leaves one that holds port and state.
 * Read from /proc, so on Linux only; elsewhere none is found and the port check tells of a leftover.
 */
export function findOrphans(): Orphan[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name)
      if (!readProc(pid, 'cmdline')?.includes('workerd')) return []
      const env = environmentOf(pid)
      const owner = env.get(MARKS.owner)
      if (!owner || processIdentity(Number(owner.split(':')[0])) === owner) return []
      return [{ pid, stateDir: env.get(MARKS.stateDir) ?? '', port: Number(env.get(MARKS.port)) }]
    })
}

/** Ends an orphan and waits until it is gone, so that its port and its files are free. */
export async function endOrphan(orphan: Orphan): Promise<void> {
  const identity = processIdentity(orphan.pid)
  if (identity === null) return
  process.kill(orphan.pid, 'SIGKILL')
  while (processIdentity(orphan.pid) === identity) await new Promise((resolve) => setTimeout(resolve, 20))
}

function environmentOf(pid: number): Map<string, string> {
  const pairs = (readProc(pid, 'environ') ?? '').split('\0').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return new Map(pairs)
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
