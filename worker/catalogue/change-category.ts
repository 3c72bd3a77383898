import type { Category, CategoryBody } from '../../schema/http/product.ts'
import { type Outcome, type Refusal, refuse } from '../../schema/outcome.ts'
import {
  CATEGORIES_MAX,
  CATEGORY_DEPTH_MAX,
  deleteCategoryRow,
  selectCategories,
  selectCategory,
  upsertCategory,
} from './category-store.ts'
import { pathTo } from './category-tree.ts'

/** The category is as given afterwards, with the listings of everything below and above it. */
export async function putCategory(
  env: Env,
  store: string,
  handle: string,
  wanted: CategoryBody,
): Promise<Outcome<{ category: Category }>> {
  const category: Category = {
    handle,
    name: wanted.name,
    parent: wanted.parent ?? null,
    position: wanted.position ?? 0,
    translations: wanted.translations ?? {},
  }
  const current = await selectCategory(env.CATALOGUE, store, handle)
  const isMove = !current || current.parent !== category.parent
  if (await upsertCategory(env.CATALOGUE, store, category, isMove)) return { ok: true, category }
  return whyNot(await selectCategories(env.CATALOGUE, store), category)
}

/** The category is gone afterwards; products stay, and name it until they are changed. */
export async function deleteCategory(env: Env, store: string, handle: string): Promise<Outcome<object>> {
  if (await deleteCategoryRow(env.CATALOGUE, store, handle)) return { ok: true }
  const isThere = (await selectCategory(env.CATALOGUE, store, handle)) !== null
  return isThere ? refuse('resource_in_use', 'It has categories below it.') : { ok: true }
}

function whyNot(categories: Category[], { handle, parent }: Category): Refusal {
  const atParent = (message: string) =>
    refuse('malformed_request', undefined, { errors: [{ path: '/parent', message }] })
  if (parent !== null) {
    if (parent === handle) return atParent('is the category itself')
    const path = pathTo(categories, parent)
    if (path.length === 0) return refuse('category_not_found', 'There is no such parent.')
    if (path.some((each) => each.handle === handle)) return atParent('is below the category')
    if (path.length >= CATEGORY_DEPTH_MAX) return atParent(`is ${CATEGORY_DEPTH_MAX} levels deep`)
  }
  return refuse('limit_reached', `The limit here is ${CATEGORIES_MAX}.`, { limit: CATEGORIES_MAX })
}
