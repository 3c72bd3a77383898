/** One bound text holds about this many characters: below D1's 2 MB a value, and a transaction stays short. */
const LIST_CHARS = 500_000

/** Rows that are JSON already, as JSON lists of about `LIST_CHARS`; a row larger than that has one of its own. */
export function jsonLists(rows: readonly string[]): string[] {
  const lists: string[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const row of rows) {
    if (size + row.length > LIST_CHARS) {
      lists.push([])
      size = 0
    }
    lists.at(-1)!.push(row)
    size += row.length
  }
  return lists.map((list) => `[${list.join(',')}]`)
}
