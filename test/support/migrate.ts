import { applyD1Migrations, type D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

const { MIGRATIONS } = env as unknown as {
  MIGRATIONS: Record<'CATALOGUE' | 'SEARCH' | 'ORDERS' | 'EVENTS', D1Migration[]>
}

for (const binding of ['CATALOGUE', 'SEARCH', 'ORDERS', 'EVENTS'] as const) {
  await applyD1Migrations(env[binding], MIGRATIONS[binding])
}
