import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiClient } from '../api-client.ts'
import type { ServerSettings } from '../server/settings.ts'
import { seedStore } from './seed-store.ts'

/** Fills the store of a fresh state folder. The mark is written last: a seeding that was cut begins again and repeats harmlessly. */
export async function seedOnce(url: string, { stateDir, adminKey }: ServerSettings): Promise<void> {
  const mark = join(stateDir, 'seeded')
  if (existsSync(mark)) return
  const started = Date.now()
  await seedStore(new ApiClient(url, adminKey), (line) => console.log(`seeding: ${line}`))
  writeFileSync(mark, 'demo\n')
  console.log(`seeded in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}
