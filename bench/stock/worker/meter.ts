import type { Cost } from '../cost.ts'

interface Run {
  statement: string
  cursor: SqlStorageCursor<Record<string, SqlStorageValue>>
}

/** Counts what an object's SQL reads and writes, as the platform bills it. The alarm is billed too and is no SQL. */
export class Meter {
  #run: Run[] = []

  constructor(sql: SqlStorage) {
    const exec = sql.exec.bind(sql)
    Object.defineProperty(sql, 'exec', {
      configurable: true,
      value: (statement: string, ...values: SqlStorageValue[]) => {
        const cursor = exec(statement, ...values)
        this.#run.push({ statement, cursor })
        return cursor
      },
    })
  }

  /** What was read and written since this was last asked. */
  take(): Cost {
    const run = this.#run
    this.#run = []
    return {
      rowsRead: run.reduce((sum, { cursor }) => sum + cursor.rowsRead, 0),
      rowsWritten: run.reduce((sum, { cursor }) => sum + cursor.rowsWritten, 0),
      statements: run.map(({ statement }) => statement.trim().replaceAll(/\s+/g, ' ')),
    }
  }
}
