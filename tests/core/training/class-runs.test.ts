// An encoder of the library and what may be trained on it: other combinations are a Problem before anything starts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { classNamesOf } from '#core/training/class-names.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyEncoder } from '../../processes/tiny-encoder.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'

test('an encoder may name labels, and nothing that is written', async () => {
  const library = freshLibrary()
  const model = unwrap(await importModel(library, writeTinyEncoder(freshFolder())))
  expect(model).toMatchObject({ family: 'bert', hasChatTemplate: false, contextTokens: 128 })
  const path = join(library.cacheFolder, 'rows.jsonl')
  writeFileSync(
    path,
    Array.from({ length: 12 }, (_, i) => `{"text":"thread ${i}","label":"team ${i % 2}"}`).join('\n'),
  )
  const writer = unwrap(openJournalWriter(library.journalPath))
  const prepare = (scenario: string, kind: string) => {
    const draft = { model: model.id, data: { path }, scenario, method: { kind } }
    return prepareRun(recipeDraft.parse(draft), { library, writer })
  }
  for (const kind of ['head', 'lora-head', 'full-head'])
    expect(await prepare('classification', kind)).toMatchObject({ ok: true })
  for (const [scenario, kind] of [
    ['classification', 'lora'],
    ['classification', 'full'],
    ['domain', 'lora'],
    ['domain', 'head'],
    ['domain', 'full-head'],
  ] as const)
    expect(await prepare(scenario, kind), `${scenario} ${kind}`).toMatchObject({
      ok: false,
      problem: { code: 'recipe.invalid' },
    })
  writer.close()
})

test('classes are the labels, or two tags for each kind beside the one for everything else', () => {
  const facts = { labels: ['ORG', 'PER'], sourceLanguages: [], targetLanguages: [] }
  expect(classNamesOf('classification', { labels: ['a', 'b'], facts })).toEqual(['a', 'b'])
  expect(classNamesOf('entity-recognition', { labels: null, facts })).toEqual([
    ...['O', 'B-ORG', 'I-ORG', 'B-PER', 'I-PER'],
  ])
  expect(classNamesOf('chatbot', { labels: null, facts })).toEqual([])
})
