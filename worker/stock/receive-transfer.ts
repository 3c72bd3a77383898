import { now } from '../../runtime/clock.ts'
import { sha256Hex } from '../../runtime/digest.ts'
import { randomToken } from '../../runtime/random.ts'
import { runBounded } from '../../runtime/run-bounded.ts'
import type { NewReceipt } from '../../schema/http/transfer.ts'
import { type Outcome, refuse } from '../../schema/outcome.ts'
import type { MoveAnswer } from '../../schema/rpc/stock.ts'
import { keptRequestId } from '../http/kept-answer.ts'
import { refusalBody } from '../http/problem.ts'
import type { Store } from '../stores/store.ts'
import { askStock } from './ask-stock.ts'
import { knownLocations } from './known-locations.ts'
import { OBJECTS_AT_ONCE } from './move-batch.ts'
import { type MovedBy, noLocation } from './move-stock.ts'
import { answerRequest, beginRequest, findRequest } from './request-store.ts'
import { arrivalName, type ReceiptLine, type Transfer, type TransferLine } from './transfer.ts'
import { type ReceiptVerdict, type TransferOnWire, transferOnTheWire } from './transfer-on-the-wire.ts'
import { inTransitNow, knownTransfer, withOutcomes } from './transfer-progress.ts'
import { announceReceipt, recordReceipts } from './transfer-store.ts'

/** The transfer after a receipt, with what became of the receipt's lines. */
export type ReceivedTransfer = TransferOnWire & { receipt: { lines: ReceiptVerdict[] } }
type Received = Outcome<{ transfer: ReceivedTransfer }>

interface Facts {
  /** The receipt that the key's first request made. */
  receipt: string
  /** The destination's priority as it was then. */
  priority: number
}

/** A line of the receipt, with the line of the transfer that it is about: null where nothing of it was sent. */
interface Wanted {
  goods: NewReceipt['lines'][number]
  line: TransferLine | null
}
interface Asked extends Wanted {
  outcome: Outcome<MoveAnswer>
}

/**
 * Takes in what came of a transfer, each line for itself. What the receipt says is written down before the items are
 * asked, so that after a crash in between the transfer still knows what was received and what is missing. Cut anywhere,
 * it goes on under the same key. A receipt of which nothing is taken is refused.
 */
export async function receiveTransfer(
  env: Env,
  store: Store,
  id: string,
  { lines, note }: NewReceipt,
  by: MovedBy,
): Promise<Outcome<{ transfer: ReceivedTransfer; isReplay: boolean }>> {
  const { slug } = store.ref
  const known = await knownTransfer(env, store, id)
  if (!known.ok) return known
  const destination = await priorityOf(env, store, known.transfer, by)
  if (!destination.ok) return destination
  const settled: Facts = { receipt: randomToken(26), priority: destination.priority }
  const begun = await beginRequest<Facts, Received>(env, slug, by.idempotency, settled, now())
  if (!begun.ok) return begun
  const { facts, answer, createdAt } = begun.request
  if (answer) return { ...answer, isReplay: true }

  const sent = await whatWasSent(env, store, known.transfer, lines, keptRequestId(by.idempotency))
  if (!sent.ok) return sent
  const announced = sent.wanted.flatMap((one) => receiptLineOf(one, facts))
  await announceReceipt(env, slug, id, announced, createdAt)
  const asked = await runBounded(sent.wanted, OBJECTS_AT_ONCE, async (wanted): Promise<Asked> => {
    const outcome = await takeIn(env, store, sent.transfer, { wanted, note: note ?? null }, facts, by)
    return { ...wanted, outcome }
  })
  return conclude(env, store, id, asked, facts, by)
}

/** The destination's priority; when it has gone since this request came first, what that one settled counts. */
async function priorityOf(
  env: Env,
  store: Store,
  { to }: Transfer,
  { idempotency }: MovedBy,
): Promise<Outcome<{ priority: number }>> {
  const location = (await knownLocations(env, store, [to])).get(to)
  if (location) return { ok: true, priority: location.priority }
  const earlier = await findRequest(env, store.ref.slug, idempotency, now())
  if (!earlier.ok) return earlier
  return earlier.request ? { ok: true, priority: 0 } : noLocation(to)
}

/** The receipt's lines beside those of the transfer; where its sending was cut, the items say what left. */
async function whatWasSent(
  env: Env,
  store: Store,
  transfer: Transfer,
  lines: NewReceipt['lines'],
  requestId: string,
): Promise<Outcome<{ transfer: Transfer; wanted: Wanted[] }>> {
  const lineOf = (of: Transfer, goods: Wanted['goods']) =>
    of.lines.find(({ item, lot }) => item === goods.item && lot === goods.lot) ?? null
  const unknown = lines
    .flatMap((goods) => lineOf(transfer, goods) ?? [])
    .filter(({ outcome }) => outcome === null)
  const onTheWay = await inTransitNow(env, store, transfer, unknown)
  if (!onTheWay.ok) return onTheWay
  const current = await withOutcomes(env, store, transfer, onTheWay.inTransit, requestId)
  const wanted = lines.map((goods) => {
    const line = lineOf(current, goods)
    return { goods, line: line?.outcome === 'sent' ? line : null }
  })
  return { ok: true, transfer: current, wanted }
}

function receiptLineOf({ goods, line }: Wanted, { receipt }: Facts): ReceiptLine[] {
  if (line === null) return []
  return [{ line: line.line, receipt, quantity: goods.quantity, missing: goods.missing }]
}

async function takeIn(
  env: Env,
  store: Store,
  { id, lines, reference }: Transfer,
  { wanted: { goods, line }, note }: { wanted: Wanted; note: string | null },
  { receipt, priority }: Facts,
  { actor, idempotency }: MovedBy,
): Promise<Outcome<MoveAnswer>> {
  const { quantity, missing } = goods
  if (line === null) {
    return refuse('stock_conflict', 'Nothing of this is on its way.', { quantity, missing, incoming: 0 })
  }
  const key = await sha256Hex(JSON.stringify(['receipt', id, line.line, receipt]))
  return askStock(env, store, line.item, (stock) =>
    stock.move({
      store: store.ref,
      type: 'receipt',
      transferId: arrivalName(id, lines, line),
      locationPriority: priority,
      quantity,
      missing,
      reference,
      note,
      actor,
      lowStockThreshold: store.lowStockThreshold,
      idempotency: { key, fingerprint: idempotency.fingerprint },
    }),
  )
}

/** Writes down what the items answered, and answers with the transfer as it is then. */
async function conclude(
  env: Env,
  store: Store,
  id: string,
  asked: readonly Asked[],
  facts: Facts,
  by: MovedBy,
): Promise<Outcome<{ transfer: ReceivedTransfer; isReplay: boolean }>> {
  const { slug } = store.ref
  const done = asked.filter(({ outcome }) => outcome.ok)
  const unanswered = asked.filter(({ outcome }) => !outcome.ok && outcome.code === 'unavailable')
  const refused = asked.filter((one) => !done.includes(one) && !unanswered.includes(one))
  const told = (some: Asked[]) => some.flatMap((one) => receiptLineOf(one, facts))
  await env.CATALOGUE.batch(recordReceipts(env, slug, id, { done: told(done), refused: told(refused) }))
  if (unanswered.length > 0) {
    return refuse('unavailable', 'Not every item answered; repeat the request to finish it.')
  }
  const lines = asked.map((one) => verdictOf(one, keptRequestId(by.idempotency)))
  const received: Received =
    done.length === 0
      ? refuse('stock_conflict', 'Nothing of this could be received.', { lines })
      : await receivedOf(env, store, id, lines)
  const { answer, isReplay } = await answerRequest(env, slug, by.idempotency, received, [])
  return { ...answer, isReplay }
}

async function receivedOf(env: Env, store: Store, id: string, lines: ReceiptVerdict[]): Promise<Received> {
  const known = await knownTransfer(env, store, id)
  if (!known.ok) return known
  return { ok: true, transfer: { ...transferOnTheWire(known.transfer), receipt: { lines } } }
}

function verdictOf({ goods, outcome }: Asked, requestId: string): ReceiptVerdict {
  const { item, lot, quantity, missing } = goods
  const verdict = { item, lot, quantity, missing }
  if (outcome.ok) return { ...verdict, status: 'received' }
  return { ...verdict, status: 'refused', problem: refusalBody(outcome, requestId) }
}
