import { imageKey, mediaUrl } from './image-key.ts'
import { recognizeImage } from './recognize-image.ts'

export interface StoredImage {
  key: string
  url: string
  width: number
  height: number
  type: string
}

/** Keeps the bytes under the name that they give themselves; null when they are no image that we take. */
export async function putImage(env: Env, store: string, bytes: Uint8Array): Promise<StoredImage | null> {
  const image = recognizeImage(bytes)
  if (!image) return null
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const { extension, type, width, height } = image
  const key = imageKey({ store, sha256, extension })
  await env.IMAGES.put(key, bytes, { httpMetadata: { contentType: type }, sha256: digest })
  return { key, url: mediaUrl(key), width, height, type }
}
