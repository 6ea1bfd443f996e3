// `tunewright embed`: a real process, a tiny model in a library of its own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'

vi.setConfig({ testTimeout: 120_000 })

const root = join(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'tunewright-embed-'))
const home = join(work, 'library')
const csv = join(work, 'messages.csv')
let model = ''
beforeAll(async () => {
  writeFileSync(
    csv,
    'team,message\na,one text\na,\nb,"two\nlines"\nb,a text that is longer than sixteen tokens\n',
  )
  model = unwrap(await importModel(openLibrary(home), writeTinyModel(join(work, 'tiny')))).id
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

function run(...parameters: string[]) {
  const main = join(root, 'src/cli/main.ts')
  const flags = ['--disable-warning=ExperimentalWarning', main, '--home', home, 'embed', ...parameters]
  const { stdout, stderr, status } = spawnSync(join(root, 'node_modules/.bin/node'), flags, {
    cwd: work,
    encoding: 'utf8',
  })
  return { out: stdout, error: stderr, code: status }
}

interface Row {
  readonly line: number
  readonly isCut: boolean
  readonly embedding: readonly number[]
}

describe('embed', () => {
  test('a JSON document for each text that is there, in the order of the file; what is cut or left out is told', () => {
    const { out, error, code } = run(csv, '--model', model, '--column', 'message', '--max-tokens', '16')
    expect(code).toBe(0)
    const rows: Row[] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map(({ line, isCut }) => [line, isCut])).toEqual([
      [2, false],
      [4, false],
      [6, true],
    ])
    for (const { embedding } of rows) {
      expect(embedding).toHaveLength(32)
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
    }
    expect(error).toMatch(/left out/)
    expect(error).toMatch(/longer than 16 tokens: 1/)
  })

  test('for a script one document, with what it was made by', () => {
    const { out, code } = run('--json', csv, '--model', model, '--column', 'message', '--pooling', 'mean')
    expect(code).toBe(0)
    const made = JSON.parse(out)
    expect(made).toMatchObject({ model, pooling: 'mean', width: 32, leftOutCount: 1 })
    expect(made.rows.map(({ line }: Row) => line)).toEqual([2, 4, 6])
  })

  test('a column that is not there is a Problem', () => {
    const { error, code } = run(csv, '--model', model, '--column', 'nothing')
    expect(code).toBe(1)
    expect(error).toMatch(/no column "nothing"/)
  })
})
