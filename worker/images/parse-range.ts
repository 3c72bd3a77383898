/** A part of a file, in bytes. */
export interface ByteRange {
  offset: number
  length: number
}

/**
 * The one range that a `Range` header asks of `size` bytes. Null: answer the whole (no header, another unit, several
 * ranges, or nonsense, all of which a server may ignore, RFC 9110, 14.2).
 */
export function parseRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec((header ?? '').replaceAll(' ', ''))
  if (!match) return null
  const [, first, last] = match
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length }
  }
  const offset = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < offset) return null
  return offset >= size ? 'unsatisfiable' : { offset, length: end - offset + 1 }
}
