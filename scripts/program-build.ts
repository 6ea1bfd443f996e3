// The desktop program's build in out/: made again only where a source is newer than it. Several who ask at once (tests)
// wait for the one who builds.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const builtFiles = ['out/main/index.cjs', 'out/preload/index.cjs', 'out/renderer/index.html']
const sources =
  '{src/**/*.{ts,vue,css,html,json},electron.vite.config.ts,scripts/renderer-build.ts,package.json}'
const lock = join(root, 'node_modules', '.building')
/** A lock this old belongs to a build that was killed. */
const lockLifeMs = 300_000

const changedMs = (path: string): number => {
  try {
    return statSync(join(root, path)).mtimeMs
  } catch {
    return 0
  }
}

export function isBuilt(): boolean {
  const oldest = Math.min(...builtFiles.map(changedMs))
  return globSync(sources, { cwd: root }).every((path) => changedMs(path) <= oldest)
}

/** Builds where it is needed; gives the builder's words where it failed, else null. */
export async function ensureBuilt(beforeBuild: () => void = () => {}): Promise<string | null> {
  while (!takeLock()) await new Promise((resolve) => setTimeout(resolve, 250))
  try {
    if (isBuilt()) return null
    beforeBuild()
    const builder = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
    const done = spawnSync(process.execPath, [builder, 'build', '--logLevel=error'], {
      cwd: root,
      encoding: 'utf8',
    })
    return done.status === 0 ? null : `${done.stdout}\n${done.stderr}`
  } finally {
    rmdirSync(lock)
  }
}

function takeLock(): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > lockLifeMs) rmdirSync(lock)
    return false
  }
}
