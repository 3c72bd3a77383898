import { crc32, deflateSync } from 'node:zlib'

const SIZE = 480
const TILE = 60

/** A patterned tile picture as a PNG, drawn from the name alone: the same name gives the same bytes on every machine. */
export function drawImage(name: string): Uint8Array {
  const seed = hashOf(name)
  const palette = paletteOf(seed)
  const isInk = PATTERNS[(seed >>> 9) % PATTERNS.length]!
  // Each row begins with its filter byte (0: none); one byte a pixel, an index into the palette.
  const rows = Buffer.alloc(SIZE * (SIZE + 1))
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const isOddTile = (Math.floor(x / TILE) + Math.floor(y / TILE)) % 2 === 1
      const ink = isInk(x % TILE, y % TILE) ? 2 : 0
      rows[y * (SIZE + 1) + 1 + x] = ink + (isOddTile ? 1 : 0)
    }
  }
  return encodePng(rows, palette)
}

type Pattern = (x: number, y: number) => boolean

const MIDDLE = TILE / 2
const PATTERNS: Pattern[] = [
  (x, y) => Math.hypot(x - MIDDLE, y - MIDDLE) < TILE / 4,
  (x, y) => Math.abs(Math.hypot(x - MIDDLE, y - MIDDLE) - TILE / 3) < 5,
  (x, y) => (x + y) % 20 < 8,
  (_x, y) => y % 15 < 6,
  (x, y) => Math.abs(x - MIDDLE) + Math.abs(y - MIDDLE) < TILE / 3,
  (x, y) => Math.abs(y - MIDDLE - 12 * Math.sin((x / TILE) * 2 * Math.PI)) < 5,
  (x, y) => x > y && x % 12 < 6,
]

/** Two grounds and two inks of related hues. */
function paletteOf(seed: number): Buffer {
  const hue = seed % 360
  const colours = [
    [hue, 0.35, 0.9],
    [(hue + 20) % 360, 0.3, 0.84],
    [(hue + 190) % 360, 0.5, 0.42],
    [(hue + 210) % 360, 0.55, 0.32],
  ]
  return Buffer.from(colours.flatMap(([h, s, l]) => rgbOf(h!, s!, l!)))
}

function rgbOf(hue: number, saturation: number, lightness: number): number[] {
  const amplitude = saturation * Math.min(lightness, 1 - lightness)
  return [0, 8, 4].map((offset) => {
    const k = (offset + hue / 30) % 12
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  })
}

function encodePng(rows: Buffer, palette: Buffer): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIZE, 0)
  header.writeUInt32BE(SIZE, 4)
  header.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunkOf('IHDR', header),
    chunkOf('PLTE', palette),
    chunkOf('IDAT', deflateSync(rows, { level: 9 })),
    chunkOf('IEND', Buffer.alloc(0)),
  ])
}

function chunkOf(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const chunk = Buffer.alloc(body.length + 8)
  chunk.writeUInt32BE(data.length, 0)
  body.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(body), body.length + 4)
  return chunk
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
  return hash
}
