import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

/** The error of a disk that was made to fail. */
export class InjectedFault extends Error {
  constructor() {
    super('injected fault')
  }
}

/**
 * A disk for one object after another. Making tables takes as long as a short history, so they are made once and each
 * object lives in a transaction that is taken back.
 */
export class Disk {
  readonly #database = new DatabaseSync(':memory:')
  readonly #prepared = new Map<string, StatementSync>()
  #writesToFailure: number | null = null

  readonly sql = { exec: (query: string, ...values: SQLInputValue[]) => this.#exec(query, values) }

  /** A statement of our own, that never fails. */
  run(statement: string): void {
    this.#database.exec(statement)
  }

  failWriteIn(writes: number | null): void {
    this.#writesToFailure = writes
  }

  #exec(query: string, values: SQLInputValue[]) {
    const isRead = /^\s*(select|with)/i.test(query)
    if (!isRead) this.#maybeFail()
    // Migrations are several statements in one text, and have no values.
    if (!isRead && values.length === 0) {
      this.#database.exec(query)
      return cursor([])
    }
    let statement = this.#prepared.get(query)
    if (!statement) {
      statement = this.#database.prepare(query)
      this.#prepared.set(query, statement)
    }
    return cursor(statement.all(...values))
  }

  #maybeFail(): void {
    if (this.#writesToFailure === null) return
    this.#writesToFailure -= 1
    if (this.#writesToFailure > 0) return
    this.#writesToFailure = null
    throw new InjectedFault()
  }
}

function cursor(rows: Record<string, unknown>[]) {
  const one = () => {
    if (rows.length !== 1) throw new Error(`one row was expected, ${rows.length} are there`)
    return rows[0]
  }
  return { toArray: () => rows, one, rowsRead: rows.length, rowsWritten: 0 }
}

/** Turns of the microtask queue that a sync takes: enough for commands sent together to wait for it. */
const SYNC_TURNS = 10

/**
 * The storage of one Durable Object in plain Node: the same SQL on the same SQLite, transactions that are taken back when
 * they throw, and an alarm that nobody rings. What it can do beyond the real one: fail at a given write.
 */
export class ObjectStorage {
  readonly sql: Disk['sql']
  readonly #disk: Disk
  #alarmAt: number | null = null

  constructor(disk: Disk, isUnborn: boolean) {
    this.#disk = disk
    this.sql = disk.sql
    disk.run('begin')
    if (!isUnborn) return
    const tables = disk.sql.exec(`select name from sqlite_master where type = 'table'`).toArray()
    for (const { name } of tables) disk.run(`drop table ${name}`)
  }

  transactionSync<T>(work: () => T): T {
    this.#disk.run('savepoint work')
    try {
      return work()
    } catch (error) {
      this.#disk.run('rollback to work')
      throw error
    } finally {
      this.#disk.run('release work')
    }
  }

  failWriteIn(writes: number | null): void {
    this.#disk.failWriteIn(writes)
  }

  async getAlarm(): Promise<number | null> {
    return this.#alarmAt
  }

  async setAlarm(at: number): Promise<void> {
    this.#alarmAt = at
  }

  /** Memory is as durable as it gets; whoever waits for it gives others the time to come. */
  async sync(): Promise<void> {
    for (let turn = 0; turn < SYNC_TURNS; turn++) await null
  }

  async deleteAlarm(): Promise<void> {
    this.#alarmAt = null
  }

  /** The object is gone, and the disk is as it was before. */
  close(): void {
    this.#disk.run('rollback')
  }
}
