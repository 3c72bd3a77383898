import { now } from '../../runtime/clock.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import { ID_PREFIXES } from '../../schema/ids.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import { IDEMPOTENCY_KEPT_MS } from '../../schema/rpc/idempotency.ts'
import type { Arrival } from '../../schema/rpc/stock.ts'
import { problemBody } from '../http/problem.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { OBJECTS_AT_ONCE } from './move-batch.ts'
import { arrivalName, type ReceiptLine, type Transfer, type TransferLine } from './transfer.ts'
import { findTransfer, recordOutcomes } from './transfer-store.ts'

const TRANSFER_ID = new RegExp(`^${ID_PREFIXES.transfer}_[0-9a-z]{26}$`)

/** The transfer with the receipts whose end is not known. */
export async function knownTransfer(
  env: Env,
  store: Store,
  id: string,
): Promise<Outcome<{ transfer: Transfer; undone: ReceiptLine[] }>> {
  const found = TRANSFER_ID.test(id) ? await findTransfer(env, store.ref.slug, id) : null
  return found ? { ok: true, ...found } : refuse('transfer_not_found')
}

/** Units of these lines that are in transit now, as their items say. One item is asked once. */
export async function inTransitNow(
  env: Env,
  store: Store,
  { id, lines: all }: Transfer,
  lines: readonly TransferLine[],
): Promise<Outcome<{ inTransit: Map<number, number> }>> {
  const items = [...new Set(lines.map(({ item }) => item))]
  const answers = await runBounded(items, OBJECTS_AT_ONCE, (item) =>
    askStock(env, store, item, async (stock) => {
      const arrivals = (await stock.levels())?.levels.arrivals ?? []
      return { ok: true, item, arrivals: arrivals.filter(({ kind }) => kind === 'transfer') }
    }),
  )
  const arrivals = new Map<string, Arrival[]>()
  for (const answer of answers) {
    if (!answer.ok) return answer
    arrivals.set(answer.item, answer.arrivals)
  }
  const units = (line: TransferLine) => {
    const name = arrivalName(id, all, line)
    return arrivals.get(line.item)?.find(({ reference }) => reference === name)?.quantity ?? 0
  }
  return { ok: true, inTransit: new Map(lines.map((line) => [line.line, units(line)])) }
}

/**
 * The transfer with lines whose sending was cut brought up to what their items say. What is on the way was sent, and since
 * no receipt is taken for a line before that is written down, what is not on the way has not left: it still may, until
 * the request that would send it can no longer be repeated.
 */
export async function withOutcomes(
  env: Env,
  store: Store,
  transfer: Transfer,
  inTransit: ReadonlyMap<number, number>,
  requestId: string,
): Promise<Transfer> {
  const isOver = transfer.createdAt <= now() - IDEMPOTENCY_KEPT_MS
  const lines = transfer.lines.map((line): TransferLine => {
    const units = inTransit.get(line.line)
    if (line.outcome !== null || units === undefined) return line
    if (units > 0) return { ...line, outcome: 'sent' }
    return isOver ? { ...line, outcome: 'refused', problem: neverSent(requestId) } : line
  })
  const changed = lines.filter((line, index) => line !== transfer.lines[index])
  if (changed.length > 0) await env.CATALOGUE.batch(recordOutcomes(env, store.ref.slug, transfer.id, changed))
  return { ...transfer, lines }
}

function neverSent(requestId: string): object {
  return problemBody(
    'unavailable',
    'The request was cut and not repeated, so this was never sent.',
    requestId,
  )
}
