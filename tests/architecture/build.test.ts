// The desktop shell builds, and what leaves the build keeps its promises: CommonJS where Electron needs it, a preload
// that loads nothing but Electron, a page whose scripts and styles come from its own folder.
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, 'out', path), 'utf8')
const requiredBy = (path: string) =>
  [...read(path).matchAll(/require\(["']([^"']+)["']\)/g)].map((match) => match[1])

beforeAll(() => {
  const done = spawnSync(join(root, 'node_modules/.bin/electron-vite'), ['build'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (done.status !== 0) throw new Error(done.stderr)
})

test('the preload loads nothing but Electron and exposes one bridge', () => {
  expect(requiredBy('preload/index.cjs')).toEqual(['electron'])
  expect(read('preload/index.cjs').match(/exposeInMainWorld/g)).toHaveLength(1)
})

test('main is CommonJS, sandboxed, and loads no native part', () => {
  const main = read('main/index.cjs')
  expect(requiredBy('main/index.cjs')).toContain('electron')
  expect(requiredBy('main/index.cjs').filter((name) => /sqlite|onnx|llama/.test(name))).toEqual([])
  expect(main).toContain('enableSandbox')
  expect(main).not.toMatch(/nodeIntegration: true|sandbox: false|webSecurity: false/)
})

test('the page brings its own script and style and no inline code', () => {
  const page = read('renderer/index.html')
  expect(page).toMatch(
    /<script type="module" crossorigin src="\.\/assets\/|<script type="module" crossorigin src="\/assets\//,
  )
  expect(page).not.toMatch(/https?:/)
  expect(page).not.toMatch(/<script(?![^>]*src=)[^>]*>/)
  expect(globSync('renderer/assets/*.{js,css}', { cwd: join(root, 'out') })).toHaveLength(2)
})
