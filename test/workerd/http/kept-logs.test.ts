/// <reference types="vite/client" />
import { expect, test } from 'vitest'
import settings from '../../../wrangler.toml?raw'

test("a deployment keeps no addresses of requests, since a cart's address is the right to use it", () => {
  expect(settings).toMatch(/\[observability\.logs\]\n(?:[^[\n].*\n)*invocation_logs = false\n/)
})
