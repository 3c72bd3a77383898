import type { EpochMs } from '../../runtime/clock.ts'
import type { OutboxEvent, Pulled } from '../../schema/rpc/source.ts'
import { documentOf, documentVersion } from './band.ts'
import type { LedgerRow } from './ledger.ts'
import type { StockStorage } from './storage.ts'

/** 4 MB of event data in one answer: far below the 32 MiB that RPC takes, and light for the relay beside 99 others. */
const PULL_BYTES_MAX = 4_000_000

/** The unconfirmed run from its beginning, with the present document when anything is not recorded yet. */
export function pullRun(storage: StockStorage, limit: number, at: EpochMs): Pulled {
  const state = storage.load()
  const { rows, hasMore } = storage.unconfirmed(limit, PULL_BYTES_MAX)
  const version = documentVersion(state)
  const isRecorded = version <= storage.watermarks().recordedVersion
  return {
    events: rows.map((row) => toEvent(row, state.item)),
    document: isRecorded && rows.length === 0 ? null : documentOf(state, at),
    hasMore,
  }
}

function toEvent({ sequence, ulid, eventType, occurredAt, data }: LedgerRow, item: string): OutboxEvent {
  return {
    outbox: sequence,
    id: `evt_${ulid}`,
    type: eventType,
    subject: `item:${item}`,
    sequence,
    occurredAt,
    data,
  }
}
