import { decodeCursor } from '../http/paging.ts'
import { Problem } from '../http/problem.ts'

export const SORTS = ['relevance', 'newest', 'price', '-price', 'title'] as const
export type Sort = (typeof SORTS)[number]

export function isSort(text: string): text is Sort {
  return (SORTS as readonly string[]).includes(text)
}

/** What a listing is asked for, in the one form that both sides of the cache understand. */
export interface ListingQuery {
  locale: string
  limit: number
  cursor?: string | undefined
  sort: Sort
  category?: string | undefined
  minPrice?: number | undefined
  maxPrice?: number | undefined
  isInStock: boolean
  q?: string | undefined
  handles: string[]
  skus: string[]
}

/** Where a page begins: the sort key and product id of the row before it. */
export type PageStart = { key: string | number; productId: string } | null

/** `cursor_invalid` when the cursor is of another order. */
export function pageStart({ cursor, sort }: Pick<ListingQuery, 'cursor' | 'sort'>): PageStart {
  if (cursor === undefined) return null
  const isByPrice = sort === 'price' || sort === '-price'
  const [of, key, productId] = decodeCursor(cursor, [
    'string',
    isByPrice ? 'number' : 'string',
    'string',
  ] as const)
  if (of !== sort) throw new Problem('cursor_invalid', 'The cursor is of another order.')
  return { key, productId }
}
