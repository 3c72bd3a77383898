import { Miniflare } from 'miniflare'
import type { ServerSettings } from './settings.ts'
import { miniflareOptions, workerOptions } from './worker-options.ts'

/** The local runtime has no cron of its own. */
const CRON_EVERY_MS = 10_000

export interface LocalServer {
  url: string
  stop(): Promise<void>
}

/** Serves the bundle on the port; answers when the worker answers. */
export async function startLocalServer(script: string, settings: ServerSettings): Promise<LocalServer> {
  const mf = new Miniflare(
    miniflareOptions(settings.stateDir, workerOptions(script, settings), settings.port),
  )
  await mf.ready
  const url = `http://localhost:${settings.port}`
  const response = await fetch(`http://127.0.0.1:${settings.port}/healthz`)
  if (!response.ok) throw new Error(`/healthz answers ${response.status}: ${await response.text()}`)
  const cron = startCron(mf)
  return {
    url,
    async stop() {
      clearInterval(cron)
      await mf.dispose()
    },
  }
}

/** At once, for what a crash left undone, and every ten seconds. */
function startCron(mf: Miniflare): NodeJS.Timeout {
  let isRunning = false
  const tick = async () => {
    if (isRunning) return
    isRunning = true
    try {
      const worker = await mf.getWorker()
      await worker.scheduled({ cron: '* * * * *' })
    } catch (error) {
      console.error(`cron failed: ${error instanceof Error ? error.message : error}`)
    } finally {
      isRunning = false
    }
  }
  void tick()
  return setInterval(tick, CRON_EVERY_MS)
}
