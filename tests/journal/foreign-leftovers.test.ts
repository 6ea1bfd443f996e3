// Copies that others left in a folder that all people of a computer share.
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openForeignJournal } from '#journal/foreign.ts'
import { copyJournal } from './support/copies.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

/** No process has this number. */
const leftName = 'tunewright-looked-into-99999999-other'
/** On many systems "nobody". Who may do everything could remove everything. */
const nobody = 65_534
const isRoot = process.getuid?.() === 0
afterEach(() => {
  if (isRoot) process.seteuid?.(0)
})

test.skipIf(process.platform === 'win32')(
  'a copy that another person left keeps no journal from being looked into (it did)',
  () => {
    const { writer, path } = openSample()
    const copy = copyJournal(path)
    good(writer.close())
    const shared = temporaryFolder()
    const left = join(shared, leftName)
    mkdirSync(left)
    writeFileSync(join(left, 'journal.db'), 'theirs')
    chmodSync(left, 0o500)
    if (isRoot) {
      chmodSync(dirname(shared), 0o711)
      for (const folder of [dirname(copy), shared]) chownSync(folder, nobody, nobody)
      for (const name of readdirSync(dirname(copy))) chownSync(join(dirname(copy), name), nobody, nobody)
      process.seteuid?.(nobody)
    }
    const opened = openForeignJournal(copy, { folder: shared })
    if (opened.ok) opened.value.reader.close()
    if (isRoot) process.seteuid?.(0)
    chmodSync(left, 0o700)
    expect(opened).toMatchObject({ ok: true })
    expect(readdirSync(shared)).toEqual([leftName])
  },
)
