import { DurableObject } from 'cloudflare:workers'

export class CachePurger extends DurableObject<Env> {}
