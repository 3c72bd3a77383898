/** Crockford's base 32 without I, L, O, U: safe to read aloud, lower case in ids. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** `length` characters of 5 random bits each; 26 characters are 130 bits. */
export function randomToken(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return encodeToken(bytes)
}

/** One character for each byte (its low 5 bits): turns a digest into a token of the same alphabet. */
export function encodeToken(bytes: Uint8Array): string {
  let token = ''
  for (const byte of bytes) token += ALPHABET[byte & 31]
  return token
}

/** In [0, 1), for jitter: spreads retries, decides nothing that an attacker could want to know. */
export function randomFraction(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32
}
