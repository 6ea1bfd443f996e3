// Where the program's own parts lie: the same questions answered from the sources (Node runs them as they are) and from
// the bundles in out/, in a clone and inside a package.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const thisFile = fileURLToPath(import.meta.url)

/** The folder of Tunewright's package.json. Inside a package this is the archive; Electron reads it like a folder. */
export const programRoot: string = findRoot(dirname(thisFile))

/** True in the bundles that Electron runs. */
const isBundled: boolean = !thisFile.endsWith('.ts')

/** File of a child process or thread: "trainer" is `src/processes/trainer.ts`, or its bundle. */
export const entryPath = (name: string): string =>
  isBundled
    ? join(programRoot, 'out', 'processes', `${name}.cjs`)
    : join(programRoot, 'src', 'processes', `${name}.ts`)

/** A file that comes with the program, e.g. `resourcePath('samples', 'bike-shop-messages')`. */
export const resourcePath = (...names: readonly string[]): string => join(programRoot, 'resources', ...names)

/**
 * Of a package's archive the file on the disk beside it, for what the system itself opens; outside an archive the same path.
 * Only native parts lie there (asarUnpack in electron-builder.yml).
 */
export const unpackedPath = (path: string): string =>
  path.replace(/([\\/])app\.asar([\\/])/, '$1app.asar.unpacked$2')

/** The page as electron-vite builds it. */
export const pageFolder: string = join(programRoot, 'out', 'renderer')

function findRoot(folder: string): string {
  const description = join(folder, 'package.json')
  if (existsSync(description) && JSON.parse(readFileSync(description, 'utf8')).name === 'tunewright')
    return folder
  const above = dirname(folder)
  if (above === folder)
    throw new Error('Tunewright lies in no folder of its own: its package.json is missing.')
  return findRoot(above)
}
