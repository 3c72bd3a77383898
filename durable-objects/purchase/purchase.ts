import { DurableObject } from 'cloudflare:workers'

export class Purchase extends DurableObject<Env> {}
