import { WorkerEntrypoint } from 'cloudflare:workers'

/** Work that objects hand back to the worker. */
export class Background extends WorkerEntrypoint<Env> {}
