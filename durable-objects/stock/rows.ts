import type { EpochMs } from '../../runtime/clock.ts'
import type { EventType } from '../../schema/event-types.ts'
import type { Arrival, Movement, MovementType } from '../../schema/rpc/stock.ts'
import type { LedgerRow } from './ledger.ts'
import type { Delta, KeptPosition, Reservation, Share } from './state.ts'

/** Rows of the object's tables and what they mean; the only place where snake_case meets camelCase. */
export type Row = Record<string, SqlStorageValue>

export function isSame(a: KeptPosition, b: KeptPosition): boolean {
  return (Object.keys(b) as (keyof KeptPosition)[]).every((key) => a[key] === b[key])
}

export function toPosition(row: Row): KeptPosition {
  return {
    location: row.location as string,
    lot: row.lot as string,
    expiresAt: row.expires_at as EpochMs | null,
    onHand: row.on_hand as number,
    reserved: row.reserved as number,
    allocated: row.allocated as number,
    safetyStock: row.safety_stock as number,
    priority: row.priority as number,
  }
}

export function toArrival(row: Row): Arrival {
  return {
    reference: row.reference as string,
    kind: row.kind as Arrival['kind'],
    location: row.location as string,
    lot: row.lot as string,
    quantity: row.quantity as number,
    expectedAt: row.expected_at as EpochMs | null,
    expiresAt: row.expires_at as EpochMs | null,
  }
}

export function toShare(row: Row): Share {
  return {
    location: row.location as string,
    lot: row.lot as string,
    quantity: row.quantity as number,
  }
}

export function toDelta(row: Row): Delta {
  return {
    location: row.location as string,
    lot: row.lot as string,
    onHand: row.on_hand as number,
    reserved: row.reserved as number,
    allocated: row.allocated as number,
  }
}

/** The movement in an event's data; older rows lack the members that came later. */
export function movementOf(data: string): Movement {
  const { movement } = JSON.parse(data) as { movement: Movement }
  return { ...movement, disposition: movement.disposition ?? null }
}

/** Until the second migration a list of ids. */
function commandsOf(text: string | null): Reservation['commands'] {
  const commands = JSON.parse(text ?? '{}') as Reservation['commands'] | string[]
  return Array.isArray(commands) ? Object.fromEntries(commands.map((id) => [id, []])) : commands
}

export function toReservation(row: Row): Reservation {
  return {
    purchaseId: row.purchase_id as string,
    version: row.version as number,
    state: row.state as Reservation['state'],
    quantity: row.quantity as number,
    expiresAt: row.expires_at as EpochMs | null,
    orderId: row.order_id as string | null,
    shares: JSON.parse(row.shares as string) as Reservation['shares'],
    since: row.since as number,
    commands: commandsOf(row.commands as string | null),
    endedAt: row.ended_at as EpochMs | null,
  }
}

export function toLedgerRow(row: Row): LedgerRow {
  return {
    sequence: row.sequence as number,
    ulid: row.ulid as string,
    type: row.type as MovementType | null,
    eventType: row.event_type as EventType,
    occurredAt: row.occurred_at as EpochMs,
    data: row.data as string,
  }
}
