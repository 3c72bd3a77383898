/** `npm test`: everything CI runs, in the order in which a mistake is cheapest to find. Ends with `N passed, N failed`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type CommandResult, runNode, runWrangler, scriptOf } from './server/run-command.ts'

interface Count {
  passed: number
  failed: number
}

interface Step {
  title: string
  run(): Promise<Count>
}

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-test-'))

const STEPS: Step[] = [
  check('generated binding types are those of wrangler.toml', () =>
    runWrangler(['types', '--include-runtime=false', '--strict-vars=false', '--check']),
  ),
  check('types of worker, objects and their tests', () =>
    runNode([scriptOf('typescript', 'tsc'), '--noEmit', '-p', 'tsconfig.json']),
  ),
  check('types of scripts, benches and server tests', () =>
    runNode([scriptOf('typescript', 'tsc'), '--noEmit', '-p', 'tsconfig.node.json']),
  ),
  check('lint and format', () => runNode([scriptOf('@biomejs/biome', 'biome'), 'check', '.'])),
  check('who may know whom', () =>
    runNode([
      scriptOf('dependency-cruiser', 'depcruise'),
      ...['worker', 'durable-objects', 'schema', 'runtime'],
    ]),
  ),
  check('the deployed build', checkDeployedBuild),
  vitest('workerd', 'tests inside the runtime'),
  vitest('server', 'tests against a running server'),
]

const started = Date.now()
const total: Count = { passed: 0, failed: 0 }
for (const [index, step] of STEPS.entries()) {
  console.log(`[${index + 1}/${STEPS.length}] ${step.title}`)
  const stepStarted = Date.now()
  const { passed, failed } = await step.run()
  total.passed += passed
  total.failed += failed
  console.log(`${failed === 0 ? '  ok' : '  FAILED'} after ${seconds(stepStarted)}`)
}
rmSync(scratch, { recursive: true, force: true })
console.log(`all steps took ${seconds(started)}`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)

/** A step that counts as one test; what it printed is shown only when it fails. */
function check(title: string, command: () => Promise<CommandResult>): Step {
  return {
    title,
    async run() {
      const { code, output } = await command()
      if (code === 0) return { passed: 1, failed: 0 }
      console.log(output)
      return { passed: 0, failed: 1 }
    },
  }
}

/** A project of vitest.config.ts; its tests count one each. */
function vitest(project: string, title: string): Step {
  return {
    title,
    async run() {
      const report = join(scratch, `${project}.json`)
      const { code } = await runNode(
        [
          scriptOf('vitest', 'vitest'),
          'run',
          `--project=${project}`,
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${report}`,
          // What the code under test logs is shown with the test that fails, and else only hides the progress.
          '--silent=passed-only',
        ],
        { onOutput: (text) => process.stdout.write(text) },
      )
      const count = readReport(report)
      // A file that does not load, or an error outside every test, fails the run and no test.
      return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count
    },
  }
}

function readReport(path: string): Count {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests }
  } catch {
    return { passed: 0, failed: 0 }
  }
}

/**
 * Builds as `wrangler deploy` would, and sees that what only local servers may do was decided at compile time: no trace of the
 * constant is left to be set from outside. That loopback is then refused is a test of its own (test/server/deployed-build.test.ts).
 */
async function checkDeployedBuild(): Promise<CommandResult> {
  const folder = join(scratch, 'deployed')
  const result = await runWrangler(['deploy', '--dry-run', '--outdir', folder])
  if (result.code !== 0) return result
  const bundle = readFileSync(join(folder, 'index.js'))
  if (bundle.includes('HOLDFAST_LOCAL')) {
    return { code: 1, output: 'HOLDFAST_LOCAL is left in the deployed bundle: see [define] in wrangler.toml' }
  }
  console.log(`  bundle: ${kib(bundle.length)}, gzip ${kib(gzipSync(bundle).length)}`)
  return result
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
