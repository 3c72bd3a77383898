import { fromIso, now } from '../../runtime/clock.ts'
import { sha256Hex } from '../../runtime/digest.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import type { NewTransfer } from '../../schema/http/transfer.ts'
import { newId } from '../../schema/ids.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import { keptRequestId } from '../http/kept-answer.ts'
import { refusalBody } from '../http/problem.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'
import { OBJECTS_AT_ONCE } from './move-batch.ts'
import { type MovedBy, noLocation } from './move-stock.ts'
import { answerRequest, beginRequest, findRequest } from './request-store.ts'
import { arrivalName, type Transfer, type TransferLine } from './transfer.ts'
import { type TransferOnWire, transferOnTheWire } from './transfer-on-the-wire.ts'
import { deleteTransfer, findTransfer, insertTransfer, recordOutcomes } from './transfer-store.ts'

type Created = Outcome<{ transfer: TransferOnWire }>
interface Facts {
  /** The id of the transfer that the key's first request made. */
  transfer: string
}

/**
 * Sends goods from one location to another, each line for itself: first the transfer is written down, then the items'
 * objects are asked, then their answers are written down. Cut anywhere, it goes on under the same key. A transfer of
 * which nothing left is refused, and there is none.
 */
export async function createTransfer(
  env: Env,
  store: Store,
  wanted: NewTransfer,
  by: MovedBy,
): Promise<Outcome<{ transfer: TransferOnWire; isReplay: boolean }>> {
  const { slug } = store.ref
  const at = now()
  const refusal = await refuseLocations(env, store, wanted, by, at)
  if (refusal) return refusal
  const draft = draftOf(wanted, at)
  const facts: Facts = { transfer: draft.id }
  const begun = await beginRequest<Facts, Created>(env, slug, by.idempotency, facts, at, (text) =>
    insertTransfer(env, slug, { key: by.idempotency.key, facts: text }, draft),
  )
  if (!begun.ok) return begun
  const { request } = begun
  if (request.answer) return { ...request.answer, isReplay: true }

  const found = await findTransfer(env, slug, request.facts.transfer)
  // The same request, coming twice at once, may have ended in none.
  if (!found) return refuse('request_in_progress')
  const { transfer } = found
  const asked = await sendLines(env, store, transfer, by)
  const record = recordOutcomes(env, slug, transfer.id, asked.filter(isAnswered))
  if (!asked.every(isAnswered)) {
    await env.CATALOGUE.batch(record)
    return refuse('unavailable', 'Not every item answered; repeat the request to finish it.')
  }
  const created = createdOf({ ...transfer, lines: asked })
  const recorded = created.ok ? record : deleteTransfer(env, slug, transfer.id)
  const { answer, isReplay } = await answerRequest(env, slug, by.idempotency, created, recorded)
  return { ...answer, isReplay }
}

/** Null when both are there; also when the request came before, whatever has become of them since. */
async function refuseLocations(
  env: Env,
  store: Store,
  { from, to }: NewTransfer,
  { idempotency }: MovedBy,
  at: number,
): Promise<Refusal | null> {
  const known = await knownLocations(env, store, [from, to])
  const unknown = [from, to].find((code) => !known.has(code))
  if (unknown === undefined) return null
  const earlier = await findRequest(env, store.ref.slug, idempotency, at)
  if (!earlier.ok) return earlier
  return earlier.request ? null : noLocation(unknown)
}

function draftOf(wanted: NewTransfer, at: number) {
  const { from, to, lines, reference = null, note = null, expectedAt } = wanted
  return {
    from,
    to,
    lines,
    id: newId('transfer', at),
    reference,
    note,
    expectedAt: expectedAt === null ? null : fromIso(expectedAt),
    createdAt: at,
  }
}

/** All lines, with the answers of the items that had not answered before. */
function sendLines(env: Env, store: Store, transfer: Transfer, by: MovedBy): Promise<TransferLine[]> {
  const { id, from, to, note, expectedAt, lines } = transfer
  return runBounded(lines, OBJECTS_AT_ONCE, async (line): Promise<TransferLine> => {
    if (isAnswered(line)) return line
    const key = await sha256Hex(JSON.stringify(['dispatch', id, line.line]))
    const sent = await askStock(env, store, line.item, (stock) =>
      stock.move({
        store: store.ref,
        type: 'dispatch',
        transferId: arrivalName(id, lines, line),
        location: from,
        lot: line.lot,
        destination: to,
        quantity: line.quantity,
        expectedAt,
        reference: transfer.reference,
        note,
        actor: by.actor,
        lowStockThreshold: store.lowStockThreshold,
        idempotency: { key, fingerprint: by.idempotency.fingerprint },
      }),
    )
    if (sent.ok) return { ...line, outcome: 'sent' }
    if (sent.code === 'unavailable') return line
    return { ...line, outcome: 'refused', problem: refusalBody(sent, keptRequestId(by.idempotency)) }
  })
}

function isAnswered({ outcome }: TransferLine): boolean {
  return outcome !== null
}

function createdOf(transfer: Transfer): Created {
  const shown = transferOnTheWire(transfer)
  if (transfer.lines.some(({ outcome }) => outcome === 'sent')) return { ok: true, transfer: shown }
  return refuse('stock_conflict', 'Nothing of this could be sent.', { lines: shown.lines })
}
