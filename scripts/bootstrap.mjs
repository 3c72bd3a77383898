/**
 * `node scripts/bootstrap.mjs script.ts [arguments]`: the first thing every npm script runs. It needs nothing but the
 * host's Node (18 or later): installs what the lock file asks for, sees to it that the Node carried as a dev dependency works,
 * and runs the script with that one, whatever version the host has.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
const STAMP = join(MODULES, '.holdfast-stamp')
const CARRIED_NODE = join(MODULES, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
/** Two commands started at once in a fresh clone must not install into one folder together. */
const INSTALL_LOCK = join(ROOT, '.wrangler', 'installing')
const INSTALL_LOCK_MAX_AGE_MS = 15 * 60_000
const PARENT_CHECK_MS = 500

const [script, ...scriptArguments] = process.argv.slice(2)
if (!script) fail('usage: node scripts/bootstrap.mjs script.ts [arguments]')

await installOnce()
run()

async function installOnce() {
  if (isInstalled() && hasWorkingNode()) return
  await takeInstallLock()
  try {
    // npm keeps its own record of what it installed; a tree that someone filled with `npm install` is as good.
    if (!isInstalled() && !isInstalledByNpm()) install()
    if (!hasWorkingNode()) repairNode()
    writeFileSync(STAMP, lockHash())
  } finally {
    rmSync(INSTALL_LOCK, { recursive: true, force: true })
  }
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash()
}

function isInstalledByNpm() {
  const hidden = join(MODULES, '.package-lock.json')
  if (!existsSync(hidden)) return false
  const { packages: wanted } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const { packages: present } = JSON.parse(readFileSync(hidden, 'utf8'))
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  )
}

function install() {
  console.log('installing dependencies (npm ci); the first time takes a minute or two')
  const started = Date.now()
  const ticker = spawn(
    process.execPath,
    ['-e', 'let s=0;setInterval(()=>console.log("  still installing, "+(s+=10)+" s"),10000)'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const quietly = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  // A registry that lacks the optional binaries of other systems makes `npm ci` refuse the lock file; `npm install` goes by
  // the same lock file, takes what is there for this system, and --no-save leaves the file as it is.
  const code = npm(['ci', ...quietly]) && npm(['install', '--no-save', ...quietly])
  ticker.kill()
  if (code !== 0) fail(`npm failed (exit code ${code}); see the lines above`)
  console.log(`dependencies installed in ${Math.round((Date.now() - started) / 1000)} s`)
}

/** npm may have been told not to run install scripts, and the `node` package puts its binary in place by one. */
function repairNode() {
  console.log('putting the carried Node in place (npm rebuild node)')
  npm(['rebuild', 'node', '--foreground-scripts', '--ignore-scripts=false'])
  const setup = join(MODULES, 'node', 'installArchSpecificPackage.js')
  if (!hasWorkingNode() && existsSync(setup)) {
    spawnSync(process.execPath, [setup], { cwd: join(MODULES, 'node'), stdio: 'inherit' })
  }
  if (!hasWorkingNode()) fail(`${CARRIED_NODE} does not run; remove node_modules and try again`)
}

function hasWorkingNode() {
  if (!existsSync(CARRIED_NODE)) return false
  const { status, stdout } = spawnSync(CARRIED_NODE, ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return status === 0 && Number.parseInt(stdout, 10) >= 24
}

function npm(argumentList) {
  // Under `npm start` this is the npm that the caller uses; else the one on the PATH.
  const cli = process.env.npm_execpath
  const options = { cwd: ROOT, stdio: 'inherit', env: { ...process.env, NODE_ENV: '' } }
  const result = cli?.endsWith('.js')
    ? spawnSync(process.execPath, [cli, ...argumentList], options)
    : spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', argumentList, options)
  return result.status ?? 1
}

async function takeInstallLock() {
  mkdirSync(dirname(INSTALL_LOCK), { recursive: true })
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(INSTALL_LOCK)
      writeFileSync(join(INSTALL_LOCK, 'pid'), String(process.pid))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned()) rmSync(INSTALL_LOCK, { recursive: true, force: true })
    if (waited % 20 === 0) console.log('waiting for another installation in this folder')
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function isAbandoned() {
  try {
    if (Date.now() - statSync(INSTALL_LOCK).mtimeMs > INSTALL_LOCK_MAX_AGE_MS) return true
    process.kill(Number(readFileSync(join(INSTALL_LOCK, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** The script runs in our process group and with our terminal; signals sent to us alone are handed on. */
function run() {
  const child = spawn(CARRIED_NODE, [join(ROOT, script), ...scriptArguments], {
    stdio: 'inherit',
    env: { ...process.env, HOLDFAST_STOP_WITH_PARENT: '1' },
  })
  // Not SIGHUP: whoever started us with nohup wants it ignored, and otherwise the script ends with us.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  // When npm is killed the hard way nobody tells us; a server nobody can stop would keep the port.
  if (process.env.npm_lifecycle_event) {
    const starter = starterId()
    setInterval(() => starterId() !== starter && child.kill('SIGTERM'), PARENT_CHECK_MS).unref()
  }
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))
}

/** Who started us, in a form that changes when npm ends: npm itself, or npm behind the shell that it put between. */
function starterId() {
  const parent = process.ppid
  try {
    const isShellOfNpm = readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('bootstrap.mjs')
    if (!isShellOfNpm) return `${parent}`
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8')
    return `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`
  } catch {
    // No /proc (macOS, Windows), or the parent has just ended, which shows in `process.ppid`.
    return `${process.ppid}`
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
