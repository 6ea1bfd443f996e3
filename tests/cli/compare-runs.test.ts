// runs compare: what is not alike is told, however late in an answer it is, and also where it is no setting.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { answerLines } from '../../src/cli/commands/compare-answers.ts'
import { recordRun } from '../core/experiments/recorded.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { addSampleLibrary, good, sampleLibrary, sampleRecipe } from '../journal/support/sample.ts'
import { ask } from './own-process.ts'

const work = temporaryFolder()

const linesFor = (...texts: (string | null)[]): string[] =>
  answerLines(
    {
      runIds: texts.map((_, at) => `run ${at}`),
      rows: [
        {
          rowId: 'row-1',
          prompt: 'Why?',
          expected: 'So.',
          isDifferent: true,
          answers: texts.map((text) => (text === null ? null : { text, score: null })),
        },
      ],
      ...{ total: 1, different: 1, leftOut: [] },
    },
    [],
  ).slice(4)

test('answers are one only where every character is the same', () => {
  const long = 'The same words again and again. '.repeat(10)
  const [first, second, ...others] = linesFor(`${long}Then yes.`, `${long}Then no.`, `${long}Then yes.`)
  expect(first).toMatch(/^ {2}run 0, run 2 +….*again\. Then yes\.$/)
  expect(second).toMatch(/^ {2}run 1 +….*again\. Then no\.$/)
  expect(others).toEqual([])
  expect(linesFor('a b', 'a\n\nb', 'c', null)).toEqual([
    '  run 0     a b (spaces and line breaks differ)',
    '  run 1     a b (spaces and line breaks differ)',
    '  run 2     c',
    '  run 3     (not in its proof)',
  ])
  expect(linesFor(long, 'Short.')[0]).toMatch(/^ {2}run 0 +The same words.*…$/)
  // A model may say these words itself.
  expect(linesFor('(not in its proof)', null)).toHaveLength(2)
})

test('another model is told beside the settings, and one run alone is refused', async () => {
  const home = mkdtempSync(join(work, 'models-'))
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const weightsSha256 = 'e'.repeat(64)
  good(writer.addModel({ ...sampleLibrary.model, id: 'larger', name: 'Larger', weightsSha256 }))
  const recipe = { ...sampleRecipe(), model: { id: 'larger', weightsSha256 } }
  const small = await recordRun(writer, newRun, { name: 'Small' })
  const large = await recordRun(writer, { ...newRun, recipe }, { name: 'Large' })
  good(writer.close())
  const run = (...parameters: string[]) => ask({ home, work }, 'runs', 'compare', ...parameters)
  const { out } = await run(small, large)
  expect(out).toContain('The model is not the same: losses of different models do not compare.\n')
  expect(out).toMatch(/^settings that differ +model\nSmall +SmolLM2 135M Instruct\nLarge +Larger\n$/m)
  for (const given of [[small], [small, small]])
    expect(await run(...given)).toMatchObject({
      code: 1,
      error: expect.stringContaining('One run alone cannot be compared.'),
    })
})
