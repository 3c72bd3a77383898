/**
 * Which addresses a webhook may go to. The object calls from inside our network on a merchant's word, so it calls
 * public https hosts by name and nothing else (server-side request forgery). Names that resolve to private addresses
 * are the platform's part: `global_fetch_strictly_public` and Cloudflare's egress, which reaches no private network.
 */
export type AddressVerdict = { ok: true; url: URL } | { ok: false; reason: string }

/** 2,000 characters: what browsers and proxies carry. */
export const URL_LENGTH_MAX = 2_000
/** 443, and 8443 which is the other port that Cloudflare and most hosts serve https on. */
const PORTS: ReadonlySet<string> = new Set(['', '443', '8443'])
/** Names that never leave a network (RFC 6761, 6762, 8375, 9476; `.internal` reserved by ICANN in 2024). */
const PRIVATE_SUFFIXES = [
  'localhost',
  'local',
  'internal',
  'intranet',
  'lan',
  'home',
  'corp',
  'home.arpa',
  'test',
  'invalid',
  'onion',
  'alt',
]

/** `allowsLoopback` is `HOLDFAST_LOCAL`: there a receiver on the same machine may be called, any port, plain http. */
export function judgeAddress(text: string, allowsLoopback: boolean): AddressVerdict {
  if (text.length > URL_LENGTH_MAX) return refused(`is longer than ${URL_LENGTH_MAX} characters`)
  if (/[\p{C}\s]/u.test(text)) return refused('has a space or a control character')
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url) return refused('is not an absolute URL')
  if (url.username || url.password) return refused('holds credentials')
  if (allowsLoopback && isLoopback(url.hostname) && /^https?:$/.test(url.protocol)) return { ok: true, url }
  if (url.protocol !== 'https:') return refused('is not https')
  if (!PORTS.has(url.port)) return refused('has a port other than 443 and 8443')
  return judgeHost(url)
}

/** The URL parser has already brought every notation of an IPv4 address (octal, hex, one number) to four numbers. */
function judgeHost(url: URL): AddressVerdict {
  const host = url.hostname
  if (host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host)) return refused('names an IP address')
  if (host.endsWith('.')) return refused('has a host that ends in a dot')
  if (!host.includes('.')) return refused('has a host without a domain')
  if (!/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/.test(host))
    return refused('has a malformed host')
  if (PRIVATE_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`)))
    return refused('names a private network')
  return { ok: true, url }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
}

function refused(reason: string): AddressVerdict {
  return { ok: false, reason }
}
