/**
 * `npm run deploy`: to your own Cloudflare account. Checks, then `wrangler deploy`, which makes what wrangler.toml names and your
 * account lacks, then the migrations of the four databases. `-- --dry-run` needs no account and says what would be done.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DATABASES, migrationsOf } from './server/migrate-local.ts'
import { type CommandResult, QUIET, runNode, runWrangler, scriptOf } from './server/run-command.ts'
import { ROOT } from './server/settings.ts'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } })
const isDryRun = values['dry-run']

await must('the binding types are those of wrangler.toml', () =>
  runWrangler(['types', '--include-runtime=false', '--strict-vars=false', '--check']),
)
await must('the code type-checks', () => runNode([scriptOf('typescript', 'tsc'), '--noEmit']))

if (isDryRun) {
  await showPlan()
} else {
  await deploy()
}

async function showPlan(): Promise<void> {
  const { output } = await must('the worker builds', () => runWrangler(['deploy', '--dry-run']))
  console.log(output.slice(output.indexOf('Total Upload')).replace('--dry-run: exiting now.', '').trim())
  console.log('\na deployment would')
  console.log(
    '  1 make the databases, the bucket and the queues above where your account lacks them, and upload',
  )
  console.log(
    '  2 apply to each database what it lacks of (before the upload, where the databases are there already)',
  )
  for (const database of DATABASES) console.log(`      ${database}: ${migrationsOf(database).join(', ')}`)
  console.log(
    '  3 show the root key (secret ADMIN_KEY) that went with a first upload, unless you set ADMIN_KEY yourself',
  )
}

async function deploy(): Promise<void> {
  const { code } = await runWrangler(['whoami'])
  if (code !== 0) fail('log in first: npx wrangler login (or set CLOUDFLARE_API_TOKEN)')
  // The queue that a consumer names must be there before the upload; one that is there already is left as it is.
  for (const queue of ['events', 'events-dead']) await runWrangler(['queues', 'create', queue])
  // New code needs its tables and old code does not mind them, so they come first; a first upload makes the databases.
  const isFirst = !(await hasRootKey())
  if (!isFirst) await migrate()
  await upload(isFirst)
  if (isFirst) await migrate()
  console.log(
    'deployed. The demo store, if you want it: npm run seed -- --url https://... with ADMIN_KEY set',
  )
}

async function hasRootKey(): Promise<boolean> {
  const secrets = await runWrangler(['secret', 'list', '--format', 'json'])
  return secrets.code === 0 && secrets.output.includes('"ADMIN_KEY"')
}

async function migrate(): Promise<void> {
  for (const database of DATABASES) {
    await wranglerHere(['d1', 'migrations', 'apply', database, '--remote'])
  }
}

/** A first upload without the required secret would be refused, so the root key goes with it. */
async function upload(isFirst: boolean): Promise<void> {
  if (!isFirst) {
    await wranglerHere(['deploy'])
    return
  }
  const adminKey = process.env.ADMIN_KEY || `hf_root_${randomBytes(24).toString('base64url')}`
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-deploy-'))
  try {
    const file = join(folder, 'secrets.json')
    writeFileSync(file, JSON.stringify({ ADMIN_KEY: adminKey }), { mode: 0o600 })
    await wranglerHere(['deploy', '--secrets-file', file])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  if (!process.env.ADMIN_KEY) console.log(`root key (ADMIN_KEY), shown once, keep it: ${adminKey}`)
}

async function must(claim: string, command: () => Promise<CommandResult>): Promise<CommandResult> {
  const result = await command()
  if (result.code !== 0) fail(`${result.output}\nnot so: ${claim}`)
  console.log(`ok: ${claim}`)
  return result
}

/** With the terminal, since wrangler may ask. */
async function wranglerHere(argumentList: string[]): Promise<void> {
  const child = spawn(process.execPath, [scriptOf('wrangler', 'wrangler'), ...argumentList], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...QUIET },
  })
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  if (code !== 0)
    throw new Error(`wrangler ${argumentList[0]} failed; what was done stays, so run this again`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
