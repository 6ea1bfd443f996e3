// Which code this program is: one SHA-256 over its sources. Two programs of one version number can be of different code.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { programRoot } from './program-places.ts'

/** A build has no sources: electron.vite.config.ts puts in the fingerprint of those that it was made from. */
declare const TUNEWRIGHT_CODE_SHA256: string

/** The page computes nothing of a run. */
const leftOut: ReadonlySet<string> = new Set(['renderer', 'preload'])

let known: string | undefined

/** Worked out once in a process, when it is first asked for. The same from a terminal, on the desktop and in a package. */
export function codeFingerprint(): string {
  known ??=
    typeof TUNEWRIGHT_CODE_SHA256 === 'string'
      ? TUNEWRIGHT_CODE_SHA256
      : fingerprintOfSources(join(programRoot, 'src'))
  return known
}

/** Of the names and texts of all files; line ends count as one kind, because a checkout may change them. */
export function fingerprintOfSources(folder: string): string {
  const hash = createHash('sha256')
  for (const path of filesIn(folder, leftOut)) {
    const text = readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n')
    hash.update(`${JSON.stringify([path, text.length])}\n`).update(text)
  }
  return hash.digest('hex')
}

/** Forward slashes, in an order that does not depend on the system or its language. */
function filesIn(folder: string, without: ReadonlySet<string>): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name]
      if (without.has(entry.name)) return []
      return filesIn(join(folder, entry.name), new Set()).map((path) => `${entry.name}/${path}`)
    })
    .sort()
}

/** As people see it. */
export const shortCode = (code: string): string => code.slice(0, 12)
