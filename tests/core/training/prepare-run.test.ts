// From a draft to a run: what is refused before anything is imported.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'
import { tinyFiles, writeFiles } from '../models/tiny-model.ts'

// It was refused for plain texts too, which are learnt without one.
test('a model without a chat template may learn plain texts, and nothing that is asked', async () => {
  const library = freshLibrary()
  const files = tinyFiles({ 'tokenizer_config.json': null })
  const model = unwrap(await importModel(library, writeFiles(freshFolder(), files)))
  const path = join(library.cacheFolder, 'rows.jsonl')
  writeFileSync(
    path,
    Array.from({ length: 12 }, (_, i) => `{"text":"Grease thread ${i}.","label":"${i % 2}"}`).join('\n'),
  )
  const writer = unwrap(openJournalWriter(library.journalPath))
  const prepare = (scenario: ScenarioId) =>
    prepareRun(recipeDraft.parse({ model: model.id, data: { path }, scenario }), { library, writer })
  expect(await prepare('domain')).toMatchObject({ ok: true, value: { recipe: { scenario: 'domain' } } })
  expect(await prepare('classification')).toMatchObject({
    ok: false,
    problem: { code: 'template.invalid', message: expect.stringContaining('no chat template') },
  })
  writer.close()
})

// It was found by the training process, which asked for more rows.
test('a first stage of which every text is too long is refused before there is a run', async () => {
  const library = freshLibrary()
  const model = unwrap(await importModel(library, writeTinyModel(freshFolder())))
  const [path, texts] = ['rows.jsonl', 'texts.jsonl'].map((name) => join(library.cacheFolder, name))
  const rows = Array.from({ length: 12 }, (_, i) => `{"text":"Grease thread ${i}.","label":"${i % 2}"}`)
  writeFileSync(path!, rows.join('\n'))
  const writer = unwrap(openJournalWriter(library.journalPath))
  const prepare = (more: readonly string[]) => {
    writeFileSync(
      texts!,
      [{ text: 'Grease the thread. '.repeat(30) }, ...more.map((text) => ({ text }))]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    )
    const draft = recipeDraft.parse({
      model: model.id,
      data: { path },
      before: { path: texts },
      instruction: '',
      batch: { maxTokens: 200 },
      scenario: 'classification',
    })
    return prepareRun(draft, { library, writer, availableBytes: 8e9 })
  }
  expect(await prepare([])).toMatchObject({
    ok: false,
    problem: {
      code: 'data.too-few-rows',
      message: expect.stringMatching(/^Every text of your field is too long/),
      where: expect.stringContaining('first stage'),
      remedy: expect.stringContaining('train without a first stage'),
    },
  })
  expect(await prepare(['Grease it.'])).toMatchObject({ ok: true })
  writer.close()
})
