import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../../scripts/server/settings.ts'
import {
  freePort,
  newStateDir,
  removeStateDir,
  type SpawnedServer,
  spawnServer,
} from '../../scripts/server/spawn-server.ts'
import { eventually } from './support/eventually.ts'
import { difference, linePattern, type ReadmeBlock, readmeBlocks } from './support/readme-blocks.ts'

const stateDir = newStateDir()
const scratch = mkdtempSync(join(tmpdir(), 'holdfast-readme-'))
let server: SpawnedServer | undefined
let receiver: ChildProcess | undefined

afterAll(async () => {
  if (receiver?.pid) process.kill(-receiver.pid, 'SIGKILL')
  await server?.killGroup()
  removeStateDir(stateDir)
  rmSync(scratch, { recursive: true, force: true })
})

test("the README's first five minutes answer as printed", async () => {
  const [start, ...blocks] = readmeBlocks()
  expect(start).toEqual({ kind: 'sh', content: 'npm start\n' })
  server = await spawnServer({ stateDir, seed: 'demo', env: { ADMIN_KEY: '' } })
  const receiverPort = await freePort()
  const here = (text: string) =>
    text
      .replaceAll('http://localhost:8787', `http://127.0.0.1:${server!.port}`)
      .replaceAll('.wrangler/state', stateDir)
      .replaceAll('/tmp/holdfast-endpoint.json', join(scratch, 'endpoint.json'))
      .replaceAll('9999', String(receiverPort))

  const shell = startShell(scratch)
  let answer = ''
  let heard = { lines: () => [] as string[], isUp: () => false }
  let linesSeen = 0
  for (const block of blocks) {
    if (block.kind === 'sh' && block.content.startsWith('npm run receiver')) {
      heard = startReceiver(here(block.content))
      await eventually(heard.isUp, Boolean, 30_000)
    } else if (block.kind === 'sh') {
      answer = await shell(here(block.content))
    } else if (block.kind === 'json') {
      expect(difference(JSON.parse(block.content), JSON.parse(answer || 'null')), answer).toBeNull()
    } else {
      linesSeen = await expectLines(block, heard.lines, linesSeen)
    }
  }
})

/** What the receiver printed since the last look is what the block shows. Answers how many lines there are now. */
async function expectLines(block: ReadmeBlock, lines: () => string[], seen: number): Promise<number> {
  const printed = block.content.trim().split('\n')
  await eventually(lines, (all) => all.length >= seen + printed.length, 10_000)
  for (const [index, line] of printed.entries()) {
    expect(lines()[seen + index]).toMatch(linePattern(line))
  }
  return seen + printed.length
}

/** Runs blocks one after another as one terminal would: variables set in one are there in the next. */
function startShell(folder: string): (script: string) => Promise<string> {
  const variables = join(folder, 'variables')
  return async (script) => {
    const child = spawn(
      'bash',
      [
        '-c',
        `[ -f "${variables}" ] && . "${variables}"\n${script}\ndeclare -p API KEY CART >"${variables}" 2>/dev/null\ntrue`,
      ],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    return await outputOf(child)
  }
}

function startReceiver(command: string): { lines(): string[]; isUp(): boolean } {
  const child = spawn('bash', ['-c', command], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  receiver = child
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  return {
    lines: () => text.split('\n').filter((line) => / #\d+ /.test(line)),
    isUp: () => text.includes('receiving on'),
  }
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  return text
}
