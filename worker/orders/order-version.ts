import { type Outcome, refuse } from '../../schema/outcome.ts'

/** The version is the validator: `"3"`. */
export function orderEtag({ version }: { version: number }): string {
  return `"${version}"`
}

/**
 * The version that `If-Match` asks for; null without the header and for `*`. Anything that is not one of our strong
 * validators matches no version (RFC 9110, 13.1.1: weak ones never match).
 */
export function expectedVersion(ifMatch: string | undefined): Outcome<{ version: number | null }> {
  if (ifMatch === undefined || ifMatch.trim() === '*') return { ok: true, version: null }
  const version = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch)?.[1]
  return version ? { ok: true, version: Number(version) } : refuse('precondition_failed')
}
