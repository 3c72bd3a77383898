import { type EpochMs, toIso } from '../../runtime/clock.ts'
import type { Order, OrderLine, Return } from '../../schema/http/order.ts'
import { newId } from '../../schema/ids.ts'
import { type Refusal, refuse } from '../../schema/outcome.ts'
import type { OrderAction, ReceivedLine } from '../../schema/rpc/purchase.ts'
import { orderEvent } from './event-data.ts'
import { isFull } from './fulfill-order.ts'
import { withCredit } from './give-back.ts'
import { beyond, withLines } from './order-amounts.ts'
import { withStatus } from './order-status.ts'
import type { Change, PurchaseState } from './state.ts'
import { withGoodsComing } from './stock-effects.ts'

type ReturnAction = Extract<OrderAction, { do: 'return' }>

/** Returns of one order: as fulfillments are bounded. */
export const RETURNS_MAX = 100

/** A return is agreed; goods that are there already are received with it. */
export function returnOrder(
  state: PurchaseState,
  { lines, isRefunded, received }: ReturnAction,
  actor: string,
  at: EpochMs,
): Change | Refusal {
  const before = state.order!
  if (isFull(before.returns, lines.length, RETURNS_MAX)) {
    return refuse('limit_reached', undefined, { limit: RETURNS_MAX })
  }
  const over = beyond(before, lines, (line) => line.fulfilled - line.returned - agreed(before, line))
  if (over.length > 0) {
    return refuse('order_state_conflict', 'Not so many shipped units could come back.', { lines: over })
  }
  const back: Return = {
    id: newId('return', at),
    status: 'requested',
    lines: lines.map((line) => ({ ...line, restocked: 0, writtenOff: 0 })),
    refund: isRefunded,
    createdAt: toIso(at),
    receivedAt: null,
  }
  const order: Order = { ...before, version: before.version + 1, returns: [...before.returns, back] }
  const next = { ...state, order }
  return received ? receive(next, back, received, actor, at) : { state: next }
}

/** Units of the line in returns that are still on their way. */
function agreed({ returns }: Order, { id }: OrderLine): number {
  return returns
    .filter(({ status }) => status === 'requested')
    .flatMap(({ lines }) => lines.filter(({ lineId }) => lineId === id))
    .reduce((sum, { quantity }) => sum + quantity, 0)
}

/** What came of a return, once; what did not come may be agreed on again. */
export function receiveReturn(
  state: PurchaseState,
  { returnId, lines }: Extract<OrderAction, { do: 'receive' }>,
  actor: string,
  at: EpochMs,
): Change | Refusal {
  const before = state.order!
  const back = before.returns.find(({ id }) => id === returnId)
  if (!back) return refuse('return_not_found')
  if (back.status !== 'requested') {
    return refuse('order_state_conflict', 'This return was received before.', { status: back.status })
  }
  const came = unitsByLine(lines)
  const asked = new Map(back.lines.map(({ lineId, quantity }) => [lineId, quantity]))
  const over = beyond(before, came, ({ id }) => asked.get(id) ?? 0)
  if (over.length > 0) {
    return refuse('order_state_conflict', 'The return is of fewer units.', { lines: over })
  }
  const next = { ...state, order: { ...before, version: before.version + 1 } }
  return receive(next, back, lines, actor, at)
}

function receive(
  state: PurchaseState,
  back: Return,
  lines: readonly ReceivedLine[],
  actor: string,
  at: EpochMs,
): Change {
  const order = state.order!
  const came = unitsByLine(lines)
  const closed: Return = {
    ...back,
    status: came.length > 0 ? 'received' : 'closed',
    receivedAt: toIso(at),
    lines: back.lines.map((line) => ({
      ...line,
      restocked: unitsOf(lines, line.lineId, 'restock'),
      writtenOff: unitsOf(lines, line.lineId, 'write_off'),
    })),
  }
  const returns = order.returns.map((other) => (other.id === back.id ? closed : other))
  const returned = withLines({ ...order, returns }, came, (line, quantity) => ({
    returned: line.returned + quantity,
  }))
  const coming = withGoodsComing({ ...state, order: withStatus(returned) }, back.id, lines, actor, at)
  const next = back.refund ? withCredit(coming, reasonOf(back), at) : coming
  return { state: next, events: came.length > 0 ? [orderEvent('order.returned', next.order!)] : [] }
}

function unitsByLine(lines: readonly ReceivedLine[]): { lineId: string; quantity: number }[] {
  const units = new Map<string, number>()
  for (const { lineId, quantity } of lines) units.set(lineId, (units.get(lineId) ?? 0) + quantity)
  return [...units].map(([lineId, quantity]) => ({ lineId, quantity }))
}

function unitsOf(lines: readonly ReceivedLine[], of: string, as: ReceivedLine['disposition']): number {
  return lines
    .filter(({ lineId, disposition }) => lineId === of && disposition === as)
    .reduce((sum, { quantity }) => sum + quantity, 0)
}

function reasonOf({ lines }: Return): string | null {
  return lines.find(({ reason }) => reason !== null)?.reason ?? null
}
