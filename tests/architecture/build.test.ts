// The desktop shell builds, and what leaves the build keeps its promises: CommonJS where Electron needs it, a preload
// that loads nothing but Electron, a page whose scripts and styles come from its own folder.
import { existsSync, readFileSync, utimesSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { ensureBuilt, sourcesDigest } from '../../scripts/program-build.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, 'out', path), 'utf8')
/** By `require`, or by one that is made where it is used: `createRequire(…)("…")`. */
const requiredBy = (path: string) =>
  [...read(path).matchAll(/(?:require|createRequire\)\(.*?\))\(["']([^"']+)["']\)/g)].map((match) => match[1])

/** What a bundle loads from outside the build, its chunks' needs included. */
function packagesOf(path: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(path)) return []
  seen.add(path)
  return requiredBy(path).flatMap((name = '') =>
    name.startsWith('.') ? packagesOf(join(dirname(path), name), seen) : [name],
  )
}

beforeAll(async () => {
  const fault = await ensureBuilt()
  if (fault !== null) throw new Error(fault)
})

test('whether to build again is told by the text of the sources, not by their dates', () => {
  const before = sourcesDigest()
  utimesSync(join(root, 'src/rooms.json'), new Date(), new Date())
  expect(sourcesDigest()).toBe(before)
  expect(read('built-from.txt')).toMatch(/^[0-9a-f]{64}$/)
})

test('the preload loads nothing but Electron and exposes one bridge', () => {
  expect(requiredBy('preload/index.cjs')).toEqual(['electron'])
  expect(read('preload/index.cjs').match(/exposeInMainWorld/g)).toHaveLength(1)
})

test('main is CommonJS, sandboxed, and loads no native part', () => {
  const main = read('main/index.cjs')
  expect(requiredBy('main/index.cjs')).toContain('electron')
  const packages = packagesOf('main/index.cjs').filter((name) => !isBuiltin(name))
  expect([...new Set(packages)]).toEqual(['electron'])
  expect(main).toContain('enableSandbox')
  expect(main).not.toMatch(/nodeIntegration: true|sandbox: false|webSecurity: false/)
})

test('every child process has its entry, and loads as packages only what cannot be bundled', () => {
  const entries = ['core', 'trainer', 'scorer', 'embedder', 'generator', 'sandbox', 'probe-worker']
  const packages = entries
    .flatMap((name) => packagesOf(`processes/${name}.cjs`))
    .filter((name) => !isBuiltin(name))
  expect([...new Set(packages)].sort()).toEqual(['better-sqlite3', 'onnxruntime-node', 'quickjs-emscripten'])
  expect(packagesOf('processes/trainer.cjs')).not.toContain('better-sqlite3')
  expect(read('processes/generator.cjs')).toContain('import("node-llama-cpp")')
})

test('the page brings its own script and style and no inline code', () => {
  const page = read('renderer/index.html')
  expect(page).toMatch(
    /<script type="module" crossorigin src="\.\/assets\/|<script type="module" crossorigin src="\/assets\//,
  )
  expect(page).not.toMatch(/https?:/)
  expect(page).not.toMatch(/<script(?![^>]*src=)[^>]*>/)
  const named = [...page.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g)].map((match) => match[1])
  expect(named.length).toBeGreaterThan(1)
  expect(named.filter((path) => !existsSync(join(root, 'out/renderer', path ?? '')))).toEqual([])
})
