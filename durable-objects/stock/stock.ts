import { DurableObject } from 'cloudflare:workers'

export class Stock extends DurableObject<Env> {}
