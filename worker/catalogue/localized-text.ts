/** The text for a locale: exact, then its language (`de-AT` takes `de`), else undefined for the caller's default. */
export function textIn<T>(texts: Record<string, T>, locale: string): T | undefined {
  for (let tag = locale; ; tag = tag.slice(0, tag.lastIndexOf('-'))) {
    if (Object.hasOwn(texts, tag)) return texts[tag]
    if (!tag.includes('-')) return undefined
  }
}
