import type { EpochMs } from '../../runtime/clock.ts'
import type { TransferStatus } from '../../schema/http/transfer.ts'
import { IS_SETTLED_BY_THESE_FACTS } from './request-store.ts'
import type { ReceiptLine, Transfer, TransferLine } from './transfer.ts'

/** A new transfer, in the batch of the request that is the first under its key. Primary keys. */
const INSERT_TRANSFER = `
  insert into transfers (store, id, source, destination, reference, note, expected_at, status, created_at)
  select ?1, ?4, ?5, ?6, ?7, ?8, ?9, 'in_transit', ?10 where ${IS_SETTLED_BY_THESE_FACTS}`
const INSERT_LINES = `
  insert into transfer_lines (store, transfer, line, item, lot, quantity)
  select ?1, ?4, key, value ->> 'item', value ->> 'lot', value ->> 'quantity'
  from json_each(?5) where ${IS_SETTLED_BY_THESE_FACTS}`

/** One transfer (every route with an id). Primary keys. */
const SELECT_TRANSFER = `select * from transfers where store = ?1 and id = ?2`
const SELECT_LINES = `select * from transfer_lines where store = ?1 and transfer = ?2 order by line`
/** Receipts whose end is not known, oldest first: of a crash, or under way. Range of the primary key. */
const SELECT_UNDONE = `
  select line, receipt, quantity, missing from transfer_receipts
  where store = ?1 and transfer = ?2 and is_done = 0 order by created_at, receipt, line`

/** The staff's list, newest first: ids sort by time. Primary key, and transfers_by_status. */
const SELECT_PAGE = `select * from transfers where store = ?1 and id < ?2 order by id desc limit ?3`
const SELECT_PAGE_OF_STATUS = `
  select * from transfers indexed by transfers_by_status
  where store = ?1 and id < ?2 and status = ?4 order by id desc limit ?3`
/** The lines of a page. Primary key. */
const SELECT_LINES_OF = `
  select * from transfer_lines where store = ?1 and transfer in (select value from json_each(?2))
  order by transfer, line`

/** What the items answered to the sending. Primary key. */
const UPDATE_OUTCOMES = `
  update transfer_lines set outcome = told.value ->> 'outcome', problem = told.value ->> 'problem'
  from json_each(?3) as told where store = ?1 and transfer = ?2 and line = told.value ->> 'line'`
/** A transfer of which nothing left is none. Primary keys. */
const DELETE_LINES = `delete from transfer_lines where store = ?1 and transfer = ?2`
const DELETE_TRANSFER = `delete from transfers where store = ?1 and id = ?2`

/** What a receipt says, before the items are asked. Primary key. */
const INSERT_RECEIPT = `
  insert or ignore into transfer_receipts (store, transfer, line, receipt, quantity, missing, created_at)
  select ?1, ?2, value ->> 'line', value ->> 'receipt', value ->> 'quantity', value ->> 'missing', ?4
  from json_each(?3)`
/** The items have taken it in. Primary key. */
const MARK_DONE = `
  update transfer_receipts set is_done = 1 where (store, transfer, line, receipt) in (
    select ?1, ?2, value ->> 'line', value ->> 'receipt' from json_each(?3))`
/** The items have refused it. Primary key. */
const DELETE_REFUSED = `
  delete from transfer_receipts where (store, transfer, line, receipt) in (
    select ?1, ?2, value ->> 'line', value ->> 'receipt' from json_each(?3))`
/** The sums of the lines, after that. Ranges of the receipts' primary key. */
const SUM_RECEIPTS = `
  update transfer_lines set (received, missing) = (
    select coalesce(sum(r.quantity), 0), coalesce(sum(r.missing), 0) from transfer_receipts r
    where r.store = ?1 and r.transfer = ?2 and r.line = transfer_lines.line and r.is_done = 1)
  where store = ?1 and transfer = ?2 and line in (select value ->> 'line' from json_each(?3))`
/** The status follows the lines. Primary keys. */
const UPDATE_STATUS = `
  update transfers set status = iif(exists (
      select 1 from transfer_lines where store = ?1 and transfer = ?2
        and (outcome is null or (outcome = 'sent' and received + missing < quantity))), 'in_transit', 'received')
  where store = ?1 and id = ?2`

interface TransferRow {
  id: string
  source: string
  destination: string
  reference: string | null
  note: string | null
  expected_at: number | null
  status: TransferStatus
  created_at: number
}
interface LineRow extends Omit<TransferLine, 'problem'> {
  transfer: string
  problem: string | null
}

/** The statements that write a new transfer with its request; `facts` as the request keeps them. */
export function insertTransfer(
  env: Env,
  slug: string,
  { key, facts }: { key: string; facts: string },
  {
    id,
    from,
    to,
    reference,
    note,
    expectedAt,
    createdAt,
    lines,
  }: Omit<Transfer, 'status' | 'lines'> & {
    lines: readonly Pick<TransferLine, 'item' | 'lot' | 'quantity'>[]
  },
): D1PreparedStatement[] {
  const values = [from, to, reference, note, expectedAt, createdAt]
  return [
    env.CATALOGUE.prepare(INSERT_TRANSFER).bind(slug, key, facts, id, ...values),
    env.CATALOGUE.prepare(INSERT_LINES).bind(slug, key, facts, id, JSON.stringify(lines)),
  ]
}

/** A transfer with the receipts whose end is not known. */
export async function findTransfer(
  env: Env,
  slug: string,
  id: string,
): Promise<{ transfer: Transfer; undone: ReceiptLine[] } | null> {
  const statements = [SELECT_TRANSFER, SELECT_LINES, SELECT_UNDONE]
  const [transfers, lines, undone] = await env.CATALOGUE.batch(
    statements.map((sql) => env.CATALOGUE.prepare(sql).bind(slug, id)),
  )
  const row = transfers!.results[0] as TransferRow | undefined
  if (!row) return null
  const transfer = toTransfer(row, lines!.results as LineRow[])
  return { transfer, undone: undone!.results as ReceiptLine[] }
}

/** Newest first, below `before` (exclusive), with their lines as recorded. */
export async function listTransfers(
  env: Env,
  slug: string,
  { before, limit, status }: { before: string; limit: number; status: TransferStatus | null },
): Promise<Transfer[]> {
  const bound = [slug, before, limit]
  const statement =
    status === null
      ? env.CATALOGUE.prepare(SELECT_PAGE).bind(...bound)
      : env.CATALOGUE.prepare(SELECT_PAGE_OF_STATUS).bind(...bound, status)
  const { results: rows } = await statement.all<TransferRow>()
  if (rows.length === 0) return []
  const { results: lines } = await env.CATALOGUE.prepare(SELECT_LINES_OF)
    .bind(slug, JSON.stringify(rows.map(({ id }) => id)))
    .all<LineRow>()
  const linesOf = Map.groupBy(lines, ({ transfer }) => transfer)
  return rows.map((row) => toTransfer(row, linesOf.get(row.id) ?? []))
}

/** Statements: what the items answered to the sending of some lines. */
export function recordOutcomes(
  env: Env,
  slug: string,
  id: string,
  lines: readonly Pick<TransferLine, 'line' | 'outcome' | 'problem'>[],
): D1PreparedStatement[] {
  const told = lines.map(({ problem, ...line }) => ({ ...line, problem: problem && JSON.stringify(problem) }))
  return [
    env.CATALOGUE.prepare(UPDATE_OUTCOMES).bind(slug, id, JSON.stringify(told)),
    env.CATALOGUE.prepare(UPDATE_STATUS).bind(slug, id),
  ]
}

/** Statements: the transfer was never. */
export function deleteTransfer(env: Env, slug: string, id: string): D1PreparedStatement[] {
  return [DELETE_LINES, DELETE_TRANSFER].map((sql) => env.CATALOGUE.prepare(sql).bind(slug, id))
}

/** Writes down what a receipt says, before the items are asked. */
export async function announceReceipt(
  env: Env,
  slug: string,
  id: string,
  lines: readonly ReceiptLine[],
  at: EpochMs,
): Promise<void> {
  await env.CATALOGUE.prepare(INSERT_RECEIPT).bind(slug, id, JSON.stringify(lines), at).run()
}

/** Statements: what the items answered to receipts; the sums and the status follow. */
export function recordReceipts(
  env: Env,
  slug: string,
  id: string,
  { done, refused }: { done: readonly ReceiptLine[]; refused: readonly ReceiptLine[] },
): D1PreparedStatement[] {
  const bind = (sql: string, lines: readonly ReceiptLine[]) =>
    env.CATALOGUE.prepare(sql).bind(slug, id, JSON.stringify(lines))
  return [
    bind(MARK_DONE, done),
    bind(DELETE_REFUSED, refused),
    bind(SUM_RECEIPTS, [...done, ...refused]),
    env.CATALOGUE.prepare(UPDATE_STATUS).bind(slug, id),
  ]
}

function toTransfer(row: TransferRow, lines: readonly LineRow[]): Transfer {
  return {
    id: row.id,
    from: row.source,
    to: row.destination,
    reference: row.reference,
    note: row.note,
    expectedAt: row.expected_at,
    status: row.status,
    createdAt: row.created_at,
    lines: lines.map(({ line, item, lot, quantity, outcome, problem, received, missing }) => ({
      line,
      item,
      lot,
      quantity,
      outcome,
      problem: problem === null ? null : (JSON.parse(problem) as object),
      received,
      missing,
    })),
  }
}
