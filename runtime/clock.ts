/** Milliseconds since the Unix epoch. Instants travel between objects in this form and leave as ISO 8601. */
export type EpochMs = number

let offsetMs = 0
let frozenAt: EpochMs | null = null

/** The one clock. Tests move it; nothing else in the code reads `Date.now()`. */
export function now(): EpochMs {
  return frozenAt ?? Date.now() + offsetMs
}

export function toIso(at: EpochMs): string {
  return new Date(at).toISOString()
}

export function toIsoOrNull(at: EpochMs | null): string | null {
  return at === null ? null : toIso(at)
}

export function fromIso(instant: string): EpochMs {
  return Date.parse(instant)
}

/** For tests only: the test runner shares this module with the worker. */
export const testClock = {
  advance(ms: number): void {
    if (frozenAt === null) offsetMs += ms
    else frozenAt += ms
  },
  freeze(at: EpochMs): void {
    frozenAt = at
  },
  reset(): void {
    offsetMs = 0
    frozenAt = null
  },
}
