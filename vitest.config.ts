import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const migrations = Object.fromEntries(
  await Promise.all(
    ['catalogue', 'search', 'orders', 'events'].map(async (name) => [
      name.toUpperCase(),
      await readD1Migrations(`schema/${name}/migrations`),
    ]),
  ),
)

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ADMIN_KEY: 'test-root-key-0123456789abcdef',
                PAYMENTS: 'test',
                MIGRATIONS: migrations,
              },
            },
          }),
        ],
        define: { HOLDFAST_LOCAL: 'true' },
        // Tests read FC_SEED and FC_RUNS (test/workerd/stock/model/runs.ts).
        envPrefix: 'FC_',
        test: {
          name: 'workerd',
          include: ['test/workerd/**/*.test.ts'],
          setupFiles: ['test/support/migrate.ts'],
          globalSetup: ['test/receiver/serve.ts', 'test/support/stripe-server.ts'],
          testTimeout: 20_000,
          // One file in place of a hundred and fifty: every test file loads the worker anew.
          deps: { optimizer: { ssr: { enabled: true, include: ['stripe'] } } },
        },
      },
      {
        test: {
          name: 'server',
          include: ['test/server/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          env: { WRANGLER_LOG: 'error', WRANGLER_SEND_METRICS: 'false', X_LOCAL_OBSERVABILITY: 'false' },
        },
      },
    ],
  },
})
