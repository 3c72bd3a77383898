/** True only in local servers and tests; `wrangler deploy` compiles it to `false` (wrangler.toml, [define]). */
declare const HOLDFAST_LOCAL: boolean
