import { now } from '../../runtime/clock.ts'
import { errorText, log } from '../../runtime/log.ts'
import {
  type AvailabilityToRecord,
  type EventSource,
  type OrderToRecord,
  type OutboxEvent,
  type Pulled,
  type SourceRef,
  sourceName,
} from '../../schema/rpc/source.ts'
import { type AppendFault, appendEvents, type EventToAppend, recordParked } from './log-store.ts'
import { DONE, type Verdict } from './verdict.ts'

/** What the relay hands over; later rooms provide it, so it is given in (worker/queue.ts). */
export interface RelayParts {
  sourceOf(env: Env, ref: SourceRef): EventSource
  recordAvailability(env: Env, documents: AvailabilityToRecord[]): Promise<void>
  recordOrders(env: Env, documents: OrderToRecord[]): Promise<void>
  /** Wakes the readers of what was appended. Must not throw. */
  pokeReaders(env: Env, appended: readonly EventToAppend[]): Promise<void>
}

/** 500 events of 1 KB are half a megabyte a source; a batch of 100 nudges stays well inside an isolate's 128 MB. */
export const PULL_LIMIT = 500
/** A source with more than 20 x 500 waiting events goes on in its next nudge, so that others have their turn. */
const ROUNDS_MAX = 20

interface Run {
  ref: SourceRef
  source: EventSource
  pulled: Pulled
}

/**
 * Carries what the sources have to tell to the record and then to the log (architecture: "From a change to the log").
 * Each source has one verdict, whatever happens to the others. Safe to repeat and to run beside itself.
 */
export async function relay(
  env: Env,
  refs: readonly SourceRef[],
  parts: RelayParts,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  let waiting = [...new Map(refs.map((ref) => [sourceName(ref), ref])).values()]
  for (let round = 0; round < ROUNDS_MAX && waiting.length > 0; round++) {
    const runs = await settle(verdicts, waiting, (ref) => ref, pull(env, parts))
    const recorded = await record(env, parts, runs, verdicts)
    const { logged, appended } = await append(env, recorded, verdicts)
    await Promise.all([
      appended.length > 0 && parts.pokeReaders(env, appended),
      settle(verdicts, logged, (run) => run.ref, confirm),
    ])
    waiting = logged
      .filter(({ ref, pulled }) => pulled.hasMore && !verdicts.has(sourceName(ref)))
      .map(({ ref }) => ref)
  }
  for (const ref of waiting) verdicts.set(sourceName(ref), again('more than one turn'))
  for (const ref of refs) if (!verdicts.has(sourceName(ref))) verdicts.set(sourceName(ref), DONE)
  return verdicts
}

/** Step 1: the unconfirmed run, with the present document. */
function pull(env: Env, parts: RelayParts) {
  return async (ref: SourceRef): Promise<Run> => {
    const source = parts.sourceOf(env, ref)
    return { ref, source, pulled: await source.pull(PULL_LIMIT) }
  }
}

/** Step 2: documents by kind. A record that is down holds back the sources of its kind and no others. */
async function record(
  env: Env,
  parts: RelayParts,
  runs: Run[],
  verdicts: Map<string, Verdict>,
): Promise<Run[]> {
  const availability: { ref: SourceRef; toRecord: AvailabilityToRecord }[] = []
  const orders: { ref: SourceRef; toRecord: OrderToRecord }[] = []
  for (const { ref, pulled } of runs) {
    const { document } = pulled
    const store = ref.store.slug
    if (document?.kind === 'availability') availability.push({ ref, toRecord: { store, document } })
    if (document?.kind === 'order') orders.push({ ref, toRecord: { store, document } })
  }
  const failures = await Promise.all([
    inOneCall(availability, (some) => parts.recordAvailability(env, toRecordOf(some))),
    inOneCall(orders, (some) => parts.recordOrders(env, toRecordOf(some))),
  ])
  for (const [{ ref }, reason] of failures.flatMap((failed) => [...failed])) {
    verdicts.set(sourceName(ref), again(`record: ${reason}`))
  }
  return runs.filter(({ ref }) => !verdicts.has(sourceName(ref)))
}

function toRecordOf<T>(items: readonly { toRecord: T }[]): T[] {
  return items.map(({ toRecord }) => toRecord)
}

/** Step 3: all events in one append. Answers the runs that are in the log whole, and every event that is. */
async function append(
  env: Env,
  runs: Run[],
  verdicts: Map<string, Verdict>,
): Promise<{ logged: Run[]; appended: EventToAppend[] }> {
  const sound = runs.filter(({ ref, pulled }) => {
    if (isGapFree(pulled.events)) return true
    verdicts.set(sourceName(ref), { do: 'park', reason: 'the run has a gap' })
    return false
  })
  const telling = sound.filter(({ pulled }) => pulled.events.length > 0)
  const faults: AppendFault[] = []
  const failures = await inOneCall(telling, async (some) => {
    faults.push(...(await appendEvents(env, some.flatMap(eventsOf))))
  })
  for (const [{ ref }, reason] of failures) verdicts.set(sourceName(ref), again(`log: ${reason}`))
  const faultOf = new Map(faults.map(({ id, fault }) => [id, fault]))
  for (const { ref, pulled } of sound) {
    const fault = pulled.events.map(({ id }) => faultOf.get(id)).find((found) => found !== undefined)
    if (fault) verdicts.set(sourceName(ref), { do: 'park', reason: `the log says: ${fault}` })
  }
  await Promise.all(runs.map(({ ref }) => rememberParked(env, ref, verdicts.get(sourceName(ref)))))
  return {
    logged: sound.filter(({ ref }) => !verdicts.has(sourceName(ref))),
    appended: telling
      .filter((run) => !failures.has(run))
      .flatMap(eventsOf)
      .filter(({ id }) => !faultOf.has(id)),
  }
}

function eventsOf({ ref, pulled }: Run): EventToAppend[] {
  return pulled.events.map((event) => ({ ...event, store: ref.store.slug }))
}

/** Step 4, while the readers are woken: the owner may forget what the log and the record have. */
async function confirm({ source, pulled }: Run): Promise<void> {
  const last = pulled.events.at(-1)
  if (!last && !pulled.document) return
  await source.confirm(last?.outbox ?? 0, pulled.document?.version ?? null)
}

/** Runs one step for each, side by side; a failure is the verdict of its source alone. */
async function settle<T, R>(
  verdicts: Map<string, Verdict>,
  items: readonly T[],
  refOf: (item: T) => SourceRef,
  step: (item: T) => Promise<R>,
): Promise<R[]> {
  const done: R[] = []
  const results = await Promise.allSettled(items.map(step))
  results.forEach((result, i) => {
    if (result.status === 'fulfilled') done.push(result.value)
    else verdicts.set(sourceName(refOf(items[i]!)), again(errorText(result.reason)))
  })
  return done
}

/** Alone and in a row, so many failures are the weather and not one bad source: the others are not tried. */
const FAILURES_IN_A_ROW_MAX = 3

/**
 * All items in one call to a database; where that fails, one by one, since one that no database takes (too large, say)
 * would otherwise hold back whoever is in the same batch, in every batch. The failures by item.
 */
async function inOneCall<T>(
  items: readonly T[],
  call: (items: readonly T[]) => Promise<void>,
): Promise<Map<T, string>> {
  const failures = new Map<T, string>()
  const together = items.length > 0 ? await failureOf(() => call(items)) : null
  if (together === null) return failures
  let inARow = 0
  for (const item of items) {
    const isWeather = items.length === 1 || inARow >= FAILURES_IN_A_ROW_MAX
    const failure = isWeather ? together : await failureOf(() => call([item]))
    if (failure !== null) failures.set(item, failure)
    if (!isWeather) inARow = failure === null ? 0 : inARow + 1
  }
  return failures
}

async function failureOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work()
    return null
  } catch (error) {
    return errorText(error)
  }
}

function again(reason: string): Verdict {
  log('warn', 'a source is asked again', { reason })
  return { do: 'again', reason }
}

/** True when each subject's sequences follow each other. */
export function isGapFree(events: readonly OutboxEvent[]): boolean {
  const last = new Map<string, number>()
  return events.every(({ subject, sequence }) => {
    const before = last.get(subject)
    last.set(subject, sequence)
    return before === undefined || sequence === before + 1
  })
}

async function rememberParked(env: Env, ref: SourceRef, verdict: Verdict | undefined): Promise<void> {
  if (verdict?.do !== 'park') return
  log('error', 'events contradict the log', { kind: ref.kind, store: ref.store.slug, reason: verdict.reason })
  const source = { store: ref.store.slug, kind: ref.kind, key: ref.key }
  await recordParked(env, source, verdict.reason, now()).catch(() => undefined)
}
