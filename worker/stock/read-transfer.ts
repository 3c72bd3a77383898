import { errorText, log } from '../../runtime/log.ts'
import type { TransferStatus } from '../../schema/http/transfer.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { Store } from '../stores/store.ts'
import { type Figures, isOpen, type ReceiptLine, settled } from './transfer.ts'
import { type TransferOnWire, transferOnTheWire } from './transfer-on-the-wire.ts'
import { inTransitNow, knownTransfer, withOutcomes } from './transfer-progress.ts'
import { listTransfers, recordReceipts } from './transfer-store.ts'

/**
 * A transfer as it is now: what is in transit, its items say. Where the record is behind them, because a request was cut
 * between the two, it is brought up. The record is read first: what comes in meanwhile is then received, not missing.
 */
export async function readTransfer(
  env: Env,
  store: Store,
  id: string,
  requestId: string,
): Promise<Outcome<{ transfer: TransferOnWire }>> {
  const known = await knownTransfer(env, store, id)
  if (!known.ok) return known
  const onTheWay = await inTransitNow(env, store, known.transfer, known.transfer.lines.filter(isOpen))
  if (!onTheWay.ok) return onTheWay
  const transfer = await withOutcomes(env, store, known.transfer, onTheWay.inTransit, requestId)
  const live = new Map<number, Figures>()
  const done: ReceiptLine[] = []
  for (const line of transfer.lines) {
    const inTransit = onTheWay.inTransit.get(line.line)
    if (line.outcome !== 'sent' || inTransit === undefined) continue
    const { effective, ...figures } = settled(line, known.undone, inTransit)
    live.set(line.line, figures)
    done.push(...effective)
  }
  if (done.length > 0) {
    await env.CATALOGUE.batch(recordReceipts(env, store.ref.slug, id, { done, refused: [] }))
  }
  return { ok: true, transfer: transferOnTheWire(transfer, live) }
}

/** One page of the record, newest first; `next` is the id to go on below. */
export async function readTransfers(
  env: Env,
  store: Store,
  { before, limit, status }: { before: string; limit: number; status: TransferStatus | null },
): Promise<Outcome<{ items: TransferOnWire[]; next: string | null }>> {
  try {
    const found = await listTransfers(env, store.ref.slug, { before, limit: limit + 1, status })
    const items = found.slice(0, limit).map((transfer) => transferOnTheWire(transfer))
    return { ok: true, items, next: found.length > limit ? items.at(-1)!.id : null }
  } catch (error) {
    log('error', 'transfers are not readable', { store: store.ref.slug, error: errorText(error) })
    return refuse('unavailable', 'The list is not readable just now.')
  }
}
