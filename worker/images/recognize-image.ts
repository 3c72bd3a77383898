import { imageSize } from 'image-size'

export interface Recognized {
  extension: string
  /** Media type, from the bytes: what a client says of its file is not believed. */
  type: string
  width: number
  height: number
}

/** By the name that image-size gives, after its signature was found. No SVG: it can carry scripts. */
const TYPES: Record<string, { extension: string; type: string }> = {
  png: { extension: 'png', type: 'image/png' },
  jpg: { extension: 'jpg', type: 'image/jpeg' },
  webp: { extension: 'webp', type: 'image/webp' },
  gif: { extension: 'gif', type: 'image/gif' },
  avif: { extension: 'avif', type: 'image/avif' },
}

/** What the file is, or null when it is none of the images we take or its header is broken. */
export function recognizeImage(bytes: Uint8Array): Recognized | null {
  const known = TYPES[signatureOf(bytes) ?? '']
  if (!known) return null
  try {
    const { width, height } = imageSize(bytes)
    return width > 0 && height > 0 ? { ...known, width, height } : null
  } catch {
    // The parser throws whatever it stumbles over: a header that ends early, sizes out of range.
    return null
  }
}

function signatureOf(bytes: Uint8Array): string | null {
  const text = String.fromCharCode(...bytes.subarray(0, 16))
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (text.startsWith('\xff\xd8\xff')) return 'jpg'
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp'
  if (text.slice(4, 12) === 'ftypavif' || text.slice(4, 12) === 'ftypavis') return 'avif'
  return null
}

/** The media type of a stored file, by the extension that its signature gave it. */
export function typeOfExtension(extension: string): string {
  return TYPES[extension]?.type ?? 'application/octet-stream'
}
