import type { D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

const { MIGRATIONS } = env as unknown as {
  MIGRATIONS: Record<'CATALOGUE' | 'SEARCH' | 'ORDERS' | 'EVENTS', D1Migration[]>
}

/**
 * Every test file begins with empty databases. All migrations of one go in one transaction, side by side with the other
 * databases': `applyD1Migrations` waits for the disk after each of some eighty statements, which was two fifths of the
 * suite's time. That the migrations apply one by one is seen by the tests that start a server.
 */
await Promise.all(
  (['CATALOGUE', 'SEARCH', 'ORDERS', 'EVENTS'] as const).map((binding) =>
    env[binding].batch(
      MIGRATIONS[binding].flatMap(({ queries }) => queries.map((query) => env[binding].prepare(query))),
    ),
  ),
)
