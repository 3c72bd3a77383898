import { NUDGE_WAIT_MS, type Nudge, type SourceRef } from '../../schema/rpc/source.ts'

/** The sources of all messages sent so far; a nudge leaves a moment after its change, with others of the isolate. */
export async function nudged(sent: readonly unknown[]): Promise<SourceRef[]> {
  await scheduler.wait(5 * NUDGE_WAIT_MS)
  return (sent as Nudge[]).flatMap(({ sources }) => sources)
}
