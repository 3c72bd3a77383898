/**
 * `npm run deploy`: to your own Cloudflare account. Checks, then `wrangler deploy`, which makes what wrangler.toml names and your
 * account lacks, then the migrations of the four databases. `-- --dry-run` needs no account and says what would be done.
 */
import { spawn } from 'node:child_process'
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
  console.log('  2 apply to each database what it lacks of')
  for (const database of DATABASES) console.log(`      ${database}: ${migrationsOf(database).join(', ')}`)
  console.log('  3 ask you for the secret ADMIN_KEY (the root key) unless the worker has it')
}

async function deploy(): Promise<void> {
  const { code } = await runWrangler(['whoami'])
  if (code !== 0) fail('log in first: npx wrangler login (or set CLOUDFLARE_API_TOKEN)')
  const secrets = await runWrangler(['secret', 'list', '--format', 'json'])
  // The queue that a consumer names must be there before the upload; only producers' queues are made by it.
  for (const queue of ['events', 'events-dead']) await runWrangler(['queues', 'create', queue])
  await wranglerHere(['deploy'])
  for (const database of DATABASES) {
    await wranglerHere(['d1', 'migrations', 'apply', database, '--remote'])
  }
  if (!secrets.output.includes('"ADMIN_KEY"')) {
    console.log('the root key: choose 24 random characters or more (openssl rand -base64 24) and keep them')
    await wranglerHere(['secret', 'put', 'ADMIN_KEY'])
  }
  console.log(
    'deployed. The demo store, if you want it: npm run seed -- --url https://... with ADMIN_KEY set',
  )
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
  if (code !== 0) fail(`wrangler ${argumentList.join(' ')} failed; what was done stays, so run this again`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
