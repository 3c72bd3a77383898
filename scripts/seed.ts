/** `npm run seed -- --url https://...` with ADMIN_KEY: the demo store, into any running Holdfast. */
import { parseArgs } from 'node:util'
import { ApiClient } from './api-client.ts'
import { seedStore } from './demo/seed-store.ts'
import { readSettings } from './server/settings.ts'

const { values } = parseArgs({ options: { url: { type: 'string' } } })
// Without a url it is the local server, whose generated key stands in its state folder.
const settings = values.url ? null : readSettings(process.env)
const url = values.url ?? `http://localhost:${settings?.port}`
const key = process.env.ADMIN_KEY || settings?.adminKey
if (!key) {
  console.error('set ADMIN_KEY to the root key of the deployment')
  process.exit(1)
}

try {
  await seedStore(new ApiClient(url, key), (line) => console.log(line))
  console.log(`the demo store is in place: ${url}/v1/products`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
