// The version of Tunewright that this code belongs to, as package.json says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { programRoot } from './program-places.ts'

export const appVersion: string = JSON.parse(readFileSync(join(programRoot, 'package.json'), 'utf8')).version
