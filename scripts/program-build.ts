// The desktop program's build in out/: made again only where a source has other text than the build was made from, in a
// folder of its own that then takes the place of out/ whole. Several who ask at once (tests) wait for the one who builds.
// `node scripts/program-build.ts` is `npm run build`.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'out')
const sources = [
  'src/**/*.*',
  'electron.vite.config.ts',
  'scripts/renderer-build.ts',
  'package.json',
  'package-lock.json',
]
/** Inside the build, so that both are replaced together: the digest of what it was made from. */
const stampName = 'built-from.txt'
const lock = join(root, 'node_modules', '.building')
/** A lock this old belongs to a build that was killed. */
const lockLifeMs = 300_000

/** Of their names and texts. */
export function sourcesDigest(): string {
  const digest = createHash('sha256')
  for (const path of globSync(sources, { cwd: root }).sort()) {
    const text = readFileSync(join(root, path))
    digest.update(`${path} ${text.length}\n`).update(text)
  }
  return digest.digest('hex')
}

function isBuiltFrom(digest: string): boolean {
  const stamp = join(out, stampName)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest
}

/** Builds where it is needed; gives the builder's words where it failed (the build before is then still there), else null. */
export async function ensureBuilt(beforeBuild: () => void = () => {}): Promise<string | null> {
  while (!takeLock()) await new Promise((resolve) => setTimeout(resolve, 250))
  try {
    const digest = sourcesDigest()
    if (isBuiltFrom(digest)) return null
    beforeBuild()
    return await build(digest)
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

async function build(digest: string): Promise<string | null> {
  const work = mkdtempSync(join(root, 'node_modules', '.build-'))
  const made = join(work, 'made')
  const builder = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  try {
    await promisify(execFile)(process.execPath, [builder, 'build', '--logLevel=error'], {
      cwd: root,
      env: { ...process.env, TUNEWRIGHT_BUILD_FOLDER: made },
    })
    // A source that changed meanwhile has another digest: the next who asks builds again.
    writeFileSync(join(made, stampName), digest)
    if (existsSync(out)) renameSync(out, join(work, 'before'))
    renameSync(made, out)
    return null
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string }
    return `${stdout}\n${stderr}`.trim() || message
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function takeLock(): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (ageMs(lock) > lockLifeMs) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

/** Zero where it is gone by now. */
function ageMs(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? Date.now() - found.mtimeMs : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fault = await ensureBuilt(() => process.stderr.write('Building the program (some seconds)…\n'))
  if (fault !== null) process.stderr.write(`The program could not be built.\n${fault}\n`)
  process.exitCode = fault === null ? 0 : 1
}
