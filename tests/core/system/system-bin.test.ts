// The bin of a Linux desktop by the freedesktop.org specification: moved, noted, never written over.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { moveToSystemBin } from '#core/system/system-bin.ts'
import { temporaryHome } from '../workstation/open-workstation.ts'

const { XDG_DATA_HOME } = process.env
afterEach(() => {
  if (XDG_DATA_HOME === undefined) delete process.env.XDG_DATA_HOME
  else process.env.XDG_DATA_HOME = XDG_DATA_HOME
})

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('two folders of one name lie beside each other, each with a note of where it was', async () => {
    const home = await temporaryHome()
    process.env.XDG_DATA_HOME = join(home, 'data')
    for (const place of ['a', 'b']) {
      const folder = join(home, place, 'my run')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'x.txt'), place)
      expect(await moveToSystemBin(folder)).toEqual({ ok: true, value: undefined })
      expect(existsSync(folder)).toBe(false)
    }
    const trash = join(home, 'data', 'Trash')
    const names = readdirSync(join(trash, 'files'))
    expect(names).toHaveLength(2)
    const kept = names.map((name) => readFileSync(join(trash, 'files', name, 'x.txt'), 'utf8')).sort()
    expect(kept).toEqual(['a', 'b'])
    for (const name of names) {
      const note = readFileSync(join(trash, 'info', `${name}.trashinfo`), 'utf8')
      expect(note).toMatch(
        /^\[Trash Info\]\nPath=\/.*\/my%20run\nDeletionDate=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\n$/,
      )
    }
  })

  test('what is not there is a Problem and leaves no note', async () => {
    const home = await temporaryHome()
    process.env.XDG_DATA_HOME = join(home, 'data')
    expect(await moveToSystemBin(join(home, 'nothing'))).toMatchObject({
      ok: false,
      problem: { code: 'bin.failed' },
    })
    expect(existsSync(join(home, 'data', 'Trash', 'info'))).toBe(false)
  })
})
