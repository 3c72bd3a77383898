import type { Media, Product, ProductPatch, PutProduct, Variant } from '../../schema/http/product.ts'
import type { FieldError } from '../http/problem.ts'
import { mediaUrl, parseImageKey } from '../images/image-key.ts'

/** What is new about a product that is not in the request. */
export interface Stamp {
  /** ISO 8601. */
  at: string
  newProductId(): string
  newVariantId(): string
}

/**
 * The whole document from a request: every member there, in one order, defaults filled in. Ids and the day of
 * creation stay with the handle, and a variant's id with its SKU.
 */
export function composeProduct(
  handle: string,
  wanted: PutProduct,
  current: Product | null,
  stamp: Stamp,
): Product {
  const variantIds = new Map(current?.variants.map(({ sku, id }) => [sku, id]))
  const variants = (wanted.variants ?? []).map((variant) =>
    composeVariant(variant, variantIds.get(variant.sku) ?? stamp.newVariantId()),
  )
  return {
    id: current?.id ?? stamp.newProductId(),
    handle,
    title: wanted.title,
    description: wanted.description ?? '',
    status: wanted.status ?? 'active',
    options: composeOptions(wanted.options ?? [], variants),
    attributes: wanted.attributes ?? {},
    categories: [...new Set(wanted.categories ?? [])],
    translations: wanted.translations ?? {},
    taxCategory: wanted.taxCategory ?? 'standard',
    media: (wanted.media ?? []).map(composeMedia),
    metadata: wanted.metadata ?? {},
    variants,
    createdAt: current?.createdAt ?? stamp.at,
    updatedAt: stamp.at,
  }
}

/** The request that would make the document as it is, with some members replaced (RFC 7396: arrays whole). */
export function mergePatch(current: Product, patch: ProductPatch): PutProduct {
  const { id: _id, handle: _handle, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = current
  return {
    ...rest,
    media: rest.media.map(({ key, url, alt, width, height, type }) => ({
      ...(key === null ? { url } : { key }),
      alt: alt ?? undefined,
      width: width ?? undefined,
      height: height ?? undefined,
      type: type ?? undefined,
    })),
    ...patch,
  }
}

/** What no schema of a single member can see. */
export function productErrors(store: string, wanted: ProductPatch): FieldError[] {
  return [...variantErrors(wanted), ...mediaErrors(store, wanted)]
}

function variantErrors({ options, variants = [] }: ProductPatch): FieldError[] {
  const errors: FieldError[] = []
  const skus = new Set<string>()
  const names = new Set(options?.map(({ name }) => name))
  for (const [index, variant] of variants.entries()) {
    const path = `/variants/${index}`
    if (skus.has(variant.sku)) errors.push({ path: `${path}/sku`, message: 'is there twice' })
    skus.add(variant.sku)
    const items = (variant.stock ?? []).map(({ item }) => item)
    if (new Set(items).size < items.length) {
      errors.push({ path: `${path}/stock`, message: 'has an item twice' })
    }
    const unnamed = Object.keys(variant.options ?? {}).find((name) => names.size > 0 && !names.has(name))
    if (unnamed !== undefined) {
      errors.push({ path: `${path}/options`, message: 'has an option that the product does not name' })
    }
  }
  return errors
}

/** An image of another store is no image here, also when its address is reached by `..` steps. */
function mediaErrors(store: string, { media = [] }: ProductPatch): FieldError[] {
  return media.flatMap(({ key, url }, index) => {
    const path = `/media/${index}`
    if ((key === undefined) === (url === undefined))
      return [{ path, message: 'needs `key` or `url`, not both' }]
    if (key !== undefined && parseImageKey(key)?.store !== store) {
      return [{ path: `${path}/key`, message: 'is not an image of this store' }]
    }
    if (url !== undefined && !isFetchable(url)) {
      return [{ path: `${path}/url`, message: 'is neither https, http nor a path beginning with /' }]
    }
    return []
  })
}

function isFetchable(url: string): boolean {
  return /^\/(?!\/)[\x21-\x7e]*$/.test(url) || (/^https?:\/\//i.test(url) && URL.canParse(url))
}

function composeVariant(variant: NonNullable<PutProduct['variants']>[number], id: string): Variant {
  return {
    id,
    sku: variant.sku,
    options: variant.options ?? {},
    prices: variant.prices ?? {},
    compareAtPrices: variant.compareAtPrices ?? {},
    weightGrams: variant.weightGrams ?? null,
    barcode: variant.barcode ?? null,
    requiresShipping: variant.requiresShipping ?? true,
    trackStock: variant.trackStock ?? true,
    stock: variant.stock ?? [{ item: variant.sku, quantity: 1 }],
    maxPerOrder: variant.maxPerOrder ?? null,
    maxPerCustomer: variant.maxPerCustomer ?? null,
  }
}

function composeOptions(named: Product['options'], variants: Variant[]): Product['options'] {
  const values = new Map(named.map((option) => [option.name, new Set(option.values)]))
  for (const variant of variants) {
    for (const [name, value] of Object.entries(variant.options)) {
      values.set(name, (values.get(name) ?? new Set()).add(value))
    }
  }
  return [...values].map(([name, used]) => ({ name, values: [...used] }))
}

function composeMedia(media: NonNullable<PutProduct['media']>[number]): Media {
  return {
    key: media.key ?? null,
    url: media.key === undefined ? media.url! : mediaUrl(media.key),
    alt: media.alt ?? null,
    width: media.width ?? null,
    height: media.height ?? null,
    type: media.type ?? null,
  }
}
