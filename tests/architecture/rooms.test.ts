// The locks on the house: the room table is complete, every package is assigned, nobody passes a wall.
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

interface Room {
  mayImport: string[]
  packages: string[]
  node: boolean
}
const rooms: Record<string, Room> = JSON.parse(read('src/rooms.json')).rooms
const manifest = JSON.parse(read('package.json'))

/** Names of the lint rules that the sources below a folder break. */
function brokenRules(folder: string): string[] {
  const parameters = ['src', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json']
  const done = spawnSync(join(root, 'node_modules/.bin/depcruise'), parameters, {
    cwd: join(root, folder),
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  const violations: { rule: { name: string } }[] = JSON.parse(done.stdout).summary.violations
  return [...new Set(violations.map((violation) => violation.rule.name))].sort()
}

const importPattern = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g
const importsOf = (file: string): string[] => [...read(file).matchAll(importPattern)].map((match) => match[1])

describe('the house', () => {
  test('every folder of src that holds code is a room of the table', () => {
    const folders = globSync('src/*/**/*.{ts,vue}', { cwd: root }).map((file) => file.split(sep)[1])
    expect([...new Set(folders)].filter((folder) => !(folder in rooms))).toEqual([])
  })

  test('every runtime package is assigned to a room, and every assigned package is installed', () => {
    const assigned = new Set(Object.values(rooms).flatMap((room) => room.packages))
    expect(Object.keys(manifest.dependencies).filter((name) => !assigned.has(name))).toEqual([])
    const known = { ...manifest.dependencies, ...manifest.devDependencies }
    expect([...assigned].filter((name) => !(name in known))).toEqual([])
  })

  test('a room imports only what the table allows', () => {
    const wrong: string[] = []
    for (const [name, room] of Object.entries(rooms))
      for (const file of globSync(`src/${name}/**/*.{ts,vue}`, { cwd: root }))
        for (const target of importsOf(file)) {
          const other = /^#([a-z]+)\//.exec(target)?.[1]
          if (other && other !== name && !room.mayImport.includes(other)) wrong.push(`${file} -> ${target}`)
          if (target.startsWith('node:') && !room.node) wrong.push(`${file} -> ${target}`)
          if (
            /^[@a-z]/.test(target) &&
            !target.startsWith('node:') &&
            !room.packages.some((p) => target === p || target.startsWith(`${p}/`))
          )
            wrong.push(`${file} -> ${target}`)
        }
    expect(wrong).toEqual([])
  })

  test('the linter passes the house and catches a room that reads files or looks into a stranger', () => {
    expect(brokenRules('.')).toEqual([])
    expect(brokenRules('tests/fixtures/house-breach')).toEqual(['engine-no-node', 'shared-rooms'])
  })

  test('only the proof opens the locked test set', () => {
    const openers = globSync('src/**/*.{ts,vue}', { cwd: root }).filter((file) =>
      importsOf(file).some((target) => target.endsWith('/test-set.ts')),
    )
    expect(openers.filter((file) => !file.startsWith('src/core/proof/'))).toEqual([])
    expect(openers.length).toBeGreaterThan(0)
  })

  test('foreign text is never shown as markup and nothing is evaluated', () => {
    const wrong = globSync('src/**/*.{ts,vue}', { cwd: root }).filter((file) =>
      /v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|new Function\(|[^.\w]eval\(/.test(
        read(file),
      ),
    )
    expect(wrong).toEqual([])
  })

  test('no lint or type exemptions are written', () => {
    const wrong = globSync('{src,tests,bench,scripts}/**/*.{ts,vue,mjs}', { cwd: root }).filter(
      (file) =>
        !file.endsWith('rooms.test.ts') &&
        /@ts-ignore|@ts-expect-error|@ts-nocheck|biome-ignore/.test(read(file)),
    )
    expect(wrong).toEqual([])
  })
})
