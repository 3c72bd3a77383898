import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/server/settings.ts'

export interface ReadmeBlock {
  /** `sh` is run, `json` is what it answers, `text` is what the receiver has printed since the last one. */
  kind: 'sh' | 'json' | 'text'
  content: string
}

/** The fenced blocks of README.md, top to bottom. */
export function readmeBlocks(): ReadmeBlock[] {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8')
  return [...text.matchAll(/^```(sh|json|text)\n([\s\S]*?)^```$/gm)].map(([, kind, content]) => ({
    kind: kind as ReadmeBlock['kind'],
    content: content!,
  }))
}

/**
 * Where an answer differs from what is printed; null when nowhere. Printed objects may leave members out; a printed text that
 * ends in `...` stands for any that begins alike.
 */
export function difference(printed: unknown, actual: unknown, path = ''): string | null {
  if (typeof printed === 'string' && printed.endsWith('...')) {
    const isAlike = typeof actual === 'string' && actual.startsWith(printed.slice(0, -3))
    return isAlike ? null : `${path}: ${JSON.stringify(actual)} is not ${printed}`
  }
  if (printed === null || typeof printed !== 'object') {
    return printed === actual ? null : `${path}: ${JSON.stringify(actual)} is not ${JSON.stringify(printed)}`
  }
  if (actual === null || typeof actual !== 'object') return `${path} is ${JSON.stringify(actual)}`
  if (Array.isArray(printed) && (!Array.isArray(actual) || actual.length !== printed.length)) {
    return `${path} has another length: ${JSON.stringify(actual)}`
  }
  for (const [name, member] of Object.entries(printed)) {
    const found = difference(member, (actual as Record<string, unknown>)[name], `${path}/${name}`)
    if (found) return found
  }
  return null
}

/** A printed line as a pattern: `...` stands for anything without a space. */
export function linePattern(printed: string): RegExp {
  const escaped = printed.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('\\S+')}$`)
}
