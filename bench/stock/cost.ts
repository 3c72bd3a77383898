/** Rows and statements of one command, as the platform bills them. */
export interface Cost {
  rowsRead: number
  rowsWritten: number
  statements: string[]
}

export interface Growth {
  reservations: number
  movements: number
  /** The first command after the object woke: it reads what later ones remember. */
  waking: Cost
  next: Cost
}
