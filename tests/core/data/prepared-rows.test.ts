// Rows that several steps ask for are read once; a file or a choice that changed is read again.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareData } from '#core/data/check-data.ts'
import { createPreparedRows } from '#core/data/prepared-rows.ts'
import { temporaryHome } from '../workstation/open-workstation.ts'
import { draftOf } from './data-support.ts'

const csv = (rows: number): string =>
  `text,label\n${Array.from({ length: rows }, (_, i) => `this is message number ${i * 37},${i % 2 ? 'a' : 'b'}`).join('\n')}\n`

test('the same question is answered from the rows that were read', async () => {
  const path = join(await temporaryHome(), 'rows.csv')
  writeFileSync(path, csv(30))
  let readings = 0
  const prepare = createPreparedRows((...question) => {
    readings += 1
    return prepareData(...question)
  })
  const ask = async (choices: object = {}) =>
    (await prepare(draftOf(path, choices), 'classification')).read.rows.length
  expect(await Promise.all([ask(), ask()])).toEqual([30, 30])
  expect(await ask()).toBe(30)
  expect(readings).toBeLessThanOrEqual(2)
  const before = readings
  expect(await ask()).toBe(30)
  expect(readings).toBe(before)

  await ask({ testShare: 0.3 })
  expect(readings).toBe(before + 1)
  writeFileSync(path, csv(31))
  expect(await ask({ testShare: 0.3 })).toBe(31)
  expect(readings).toBe(before + 2)

  writeFileSync(path, 'text,label\n')
  for (const _ of [1, 2]) await expect(ask()).rejects.toThrow('no rows')
  expect(readings).toBe(before + 4)
  rmSync(path)
  await expect(ask()).rejects.toThrow()
})
