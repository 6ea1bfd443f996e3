// From a draft to a run: what is refused before anything is imported.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
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
