/**
 * What it takes to reach a store's objects, so it travels with every command and every nudge: object names
 * begin with the slug, the jurisdiction goes into the object id, the region is the location hint for objects
 * that do not exist yet. Jurisdiction and region never change after the store is created.
 */
export interface StoreRef {
  slug: string
  jurisdiction: Jurisdiction | null
  region: Region | null
}

/** Durable Object jurisdictions (developers.cloudflare.com/durable-objects/reference/data-location). */
export const JURISDICTIONS = ['eu', 'us', 'fedramp', 'fedramp-high'] as const
export type Jurisdiction = (typeof JURISDICTIONS)[number]

/** Durable Object location hints (same page). */
export const REGIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const
export type Region = (typeof REGIONS)[number]
