import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What the environment says about a local server; api.md, "Starting it". */
export interface ServerSettings {
  port: number
  /** All local state lives below it. */
  stateDir: string
  adminKey: string
  isAdminKeyGenerated: boolean
  seed: 'demo' | 'none'
  payments: string
  /** Secrets of payment providers, for the worker alone. */
  paymentSecrets?: Record<string, string>
  rateLimits: string
}

/** A mistake of the caller: told in one line, without a stack. */
export class UsageError extends Error {}

/** Reads the environment; makes the state folder and, the first time without `ADMIN_KEY`, a root key that stays in it. */
export function readSettings(env: NodeJS.ProcessEnv): ServerSettings {
  const stateDir = resolve(env.STATE_DIR || join(ROOT, '.wrangler/state'))
  mkdirSync(stateDir, { recursive: true })
  return {
    port: readPort(env.PORT),
    stateDir,
    adminKey: env.ADMIN_KEY || generatedKey(stateDir),
    isAdminKeyGenerated: !env.ADMIN_KEY,
    seed: readSeed(env.SEED),
    payments: env.PAYMENTS ?? 'test',
    paymentSecrets: readPaymentSecrets(env),
    rateLimits: env.RATE_LIMITS || 'off',
  }
}

const PAYMENT_SECRETS = [
  'STRIPE_SECRET_KEY',
  'STRIPE_PUBLISHABLE_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'STRIPE_API_HOST',
]

function readPaymentSecrets(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = PAYMENT_SECRETS.map((name) => [name, env[name] ?? ''] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}

function readPort(text: string | undefined): number {
  const port = Number(text || 8787)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UsageError(`PORT=${text} is not a port: use 1 to 65535`)
  }
  return port
}

function readSeed(text: string | undefined): 'demo' | 'none' {
  const seed = text || 'demo'
  if (seed !== 'demo' && seed !== 'none') throw new UsageError(`SEED=${text} is not known: use demo or none`)
  return seed
}

/** Kept beside the state, so that a restart without `ADMIN_KEY` has the same key and scripts can read it. */
function generatedKey(stateDir: string): string {
  const file = join(stateDir, 'admin-key')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const key = `hf_root_${randomBytes(24).toString('base64url')}`
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  return key
}
