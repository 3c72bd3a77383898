import type { Category, CategoryNode } from '../../schema/http/product.ts'
import { textIn } from './localized-text.ts'

/** The tree in one locale, siblings in the order given. */
export function treeOf(categories: Category[], locale: string): CategoryNode[] {
  const nodes = new Map(
    categories.map((category) => [
      category.handle,
      { handle: category.handle, name: nameIn(category, locale), children: [] as CategoryNode[] },
    ]),
  )
  const roots: CategoryNode[] = []
  for (const { handle, parent } of categories) {
    const siblings = parent === null ? roots : (nodes.get(parent)?.children ?? roots)
    siblings.push(nodes.get(handle)!)
  }
  return roots
}

/** From the root to the category; empty when there is none. */
export function pathTo(categories: Category[], handle: string): Category[] {
  const byHandle = new Map(categories.map((category) => [category.handle, category]))
  const path: Category[] = []
  let next = byHandle.get(handle)
  while (next && !path.includes(next)) {
    path.unshift(next)
    next = next.parent === null ? undefined : byHandle.get(next.parent)
  }
  return path
}

export function nameIn({ name, translations }: Category, locale: string): string {
  return textIn(translations, locale)?.name ?? name
}
