import { WorkerEntrypoint } from 'cloudflare:workers'

/** Cacheable reads, with the Workers Cache in front of its `fetch`. */
export class Catalogue extends WorkerEntrypoint<Env> {}
