import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { runWrangler } from './run-command.ts'
import { ROOT } from './settings.ts'

const SOURCES = ['worker', 'durable-objects', 'schema', 'runtime', 'wrangler.toml', 'package-lock.json']
const BUNDLES = join(ROOT, '.wrangler/bundles')
/** A bundle in use by a running server is loaded once at its start, so old ones may go; a day leaves room for a slow start. */
const BUNDLE_AGE_MAX_MS = 24 * 60 * 60_000

/**
 * The worker as one script for local servers: what `wrangler deploy` would upload, but with `HOLDFAST_LOCAL = true`.
 * Kept by the content of its sources, so that a second start is quick. Answers the script's path.
 */
export async function buildLocalBundle(): Promise<string> {
  const target = join(BUNDLES, contentHash())
  const script = join(target, 'index.js')
  if (existsSync(script)) return script
  mkdirSync(BUNDLES, { recursive: true })
  removeOldBundles()
  const draft = mkdtempSync(join(BUNDLES, 'draft-'))
  const { code, output } = await runWrangler([
    'deploy',
    '--dry-run',
    '--outdir',
    draft,
    '--define',
    'HOLDFAST_LOCAL:true',
  ])
  if (code !== 0) {
    rmSync(draft, { recursive: true, force: true })
    throw new Error(`the worker does not build:\n${output}`)
  }
  try {
    renameSync(draft, target)
  } catch {
    // Another start built the same sources at the same time; its bundle is as good.
    rmSync(draft, { recursive: true, force: true })
  }
  return script
}

function contentHash(): string {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const file of filesOf(join(ROOT, source))) {
      hash
        .update(`${relative(ROOT, file)}\0`)
        .update(readFileSync(file))
        .update('\0')
    }
  }
  return hash.digest('hex').slice(0, 32)
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function removeOldBundles(): void {
  for (const name of readdirSync(BUNDLES)) {
    const path = join(BUNDLES, name)
    if (Date.now() - statSync(path).mtimeMs > BUNDLE_AGE_MAX_MS)
      rmSync(path, { recursive: true, force: true })
  }
}
