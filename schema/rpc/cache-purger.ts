/** One object a deployment: purges are limited for the whole account (5 calls a minute). */
export interface CachePurgerRpc {
  /** The log has grown: read on. Answers at once. */
  poke(): Promise<void>
}
