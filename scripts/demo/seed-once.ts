import type { ServerSettings } from '../server/settings.ts'
export async function seedOnce(_url: string, _settings: ServerSettings): Promise<void> {}
