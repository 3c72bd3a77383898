/**
 * `{store}/{sha256}.{extension}`: the content is the name, so an image never changes under its address, and the
 * store is in it, so nothing crosses stores.
 */
const PATTERN = /^([a-z0-9][a-z0-9_-]{0,99})\/([0-9a-f]{64})\.(png|jpg|webp|gif|avif)$/

export interface ImageKey {
  store: string
  sha256: string
  extension: string
}

export function parseImageKey(key: string): ImageKey | null {
  const match = PATTERN.exec(key)
  return match ? { store: match[1]!, sha256: match[2]!, extension: match[3]! } : null
}

export function imageKey({ store, sha256, extension }: ImageKey): string {
  return `${store}/${sha256}.${extension}`
}

/** A path, since the host is not part of any cache's key. */
export function mediaUrl(key: string): string {
  return `/images/${key.split('/').map(encodeURIComponent).join('/')}`
}
