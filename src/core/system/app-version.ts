// The version of Tunewright that this code belongs to, as package.json says.
import { readFileSync } from 'node:fs'

export const appVersion: string = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
).version
