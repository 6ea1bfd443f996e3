// A new last layer taken away, all parts real: the folder names what the run's own version names, by itself, and its card
// says what it is.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { checkExport } from '#core/export/check-export.ts'
import { exportHead } from '#core/export/export-head.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { exportFormsOf } from '#shared/export-forms.ts'
import { unwrap } from '#shared/result.ts'
import { makeHeadRuns } from '../../processes/trainer/head-runs.ts'
import { trainAndExport } from '../../support/exported-head.ts'
import { cardFacts } from './card-facts.ts'

vi.setConfig({ testTimeout: 120_000 })

const head = { method: { kind: 'head' } }
const both = {
  method: { kind: 'lora-head', rank: 4, alpha: 8 },
  optimizer: { learningRate: 0.01 },
  duration: { epochs: 3 },
}
const whole = {
  method: { kind: 'full-head' },
  optimizer: { learningRate: 0.005 },
  duration: { epochs: 2 },
}

test.each([
  ['texts', 'classification', head, /mean of the states of a text/],
  ['texts, beside an adapter', 'classification', both, /LoRA adapter \(rank 4\) worked into its weights/],
  ['words', 'entity-recognition', head, /`BertForTokenClassification`/],
  [
    'texts, by the whole model',
    'classification',
    whole,
    /, trained further, with a new last layer: it gives/,
  ],
  ['words, by the whole model', 'entity-recognition', whole, /`BertForTokenClassification`/],
] as const)('%s', async (_, scenario, changes, said) => {
  const runs = await makeHeadRuns()
  try {
    const made = await trainAndExport(runs, scenario, changes)
    const { folder, files } = made.exported
    expect(readdirSync(folder).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    const readme = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(readme).toMatch(said)
    expect(readme).not.toContain('system message')
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>
    expect(Object.values(config.id2label as object)).toEqual(made.classNames)

    const { method, threads, batch } = made.job.recipe
    expect(exportFormsOf(method)).toEqual(['model'])
    const isTagged = scenario === 'entity-recognition'
    const [content, answer] = isTagged
      ? ['berta went to rome 4', 'PERSON: berta\nPLACE: rome']
      : ['where is the courier 12', 'shipping']
    const check = (classNames: readonly string[]) =>
      checkExport(
        {
          ...{ folder, files, form: 'model', tuned: made.tuned, modelName: 'tiny' },
          examples: [{ rowId: 'r', prompt: [{ role: 'user', content }], answer }],
          measure: {
            ...{ model: made.model, threads, maxTokens: batch.maxTokens },
            cacheFolder: runs.tiny.library.cacheFolder,
          },
          head: { method, scenario, classNames: [...classNames] },
        },
        { launcher: createNodeLauncher() },
      )
    expect(unwrap(await check(made.classNames))).toMatchObject({
      isGood: true,
      sentence: expect.stringMatching(/tried on a row .* the same as the run's own version/),
    })

    const card = { ...cardFacts, form: 'model' as const, recipe: made.job.recipe }
    const damaged = await exportHead({
      ...{ exportsFolder: join(runs.tiny.library.home, 'exports'), name: 'bad', model: made.model },
      ...{ recipe: made.job.recipe, classNames: made.classNames, card },
      tuned: { ...made.tuned, kind: 'model', weightsSha256: '0'.repeat(64), folder: made.exported.folder },
    })
    expect(damaged).toMatchObject({ ok: false, problem: { code: 'checkpoint.damaged' } })
  } finally {
    rmSync(runs.tiny.library.home, { recursive: true, force: true })
  }
})
