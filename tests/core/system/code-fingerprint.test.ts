// The fingerprint of the program's code: the same for the same code wherever it lies, another one for any change of it.
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { codeFingerprint, fingerprintOfSources } from '#core/system/code-fingerprint.ts'
import { describeVersions } from '#core/system/machine.ts'

const work = mkdtempSync(join(tmpdir(), 'tunewright-code-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

const here = join(work, 'here')
mkdirSync(join(here, 'core'), { recursive: true })
mkdirSync(join(here, 'renderer'))
writeFileSync(join(here, 'core', 'a.ts'), 'one\ntwo\n')
writeFileSync(join(here, 'core', 'b.ts'), 'three\n')
writeFileSync(join(here, 'renderer', 'page.vue'), 'page')
const first = fingerprintOfSources(here)

const changed = (change: (folder: string) => void): string => {
  const folder = mkdtempSync(join(work, 'copy-'))
  cpSync(here, folder, { recursive: true })
  change(folder)
  return fingerprintOfSources(folder)
}

test('the same code has the same one elsewhere, with other line ends and with another page', () => {
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(changed(() => {})).toBe(first)
  expect(changed((folder) => writeFileSync(join(folder, 'core', 'a.ts'), 'one\r\ntwo\r\n'))).toBe(first)
  expect(changed((folder) => writeFileSync(join(folder, 'renderer', 'page.vue'), 'other'))).toBe(first)
})

test.each<[string, (folder: string) => void]>([
  ['another text', (folder) => writeFileSync(join(folder, 'core', 'a.ts'), 'one\ntwO\n')],
  ['a file more', (folder) => writeFileSync(join(folder, 'core', 'c.ts'), '')],
  ['a file less', (folder) => rmSync(join(folder, 'core', 'b.ts'))],
  ['another name', (folder) => renameSync(join(folder, 'core', 'b.ts'), join(folder, 'core', 'c.ts'))],
])('another one for %s', (_what, change) => {
  expect(changed(change)).not.toBe(first)
})

test('a run keeps that of the sources it was made by', () => {
  expect(codeFingerprint()).toBe(fingerprintOfSources(join(import.meta.dirname, '../../../src')))
  expect(describeVersions().code).toBe(codeFingerprint())
})
