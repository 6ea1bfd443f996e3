// Rows of every scenario reach the trainer: what is learnt of each is the answer and nothing else, and one step of real
// training runs on them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { datasetFolder } from '#core/data/dataset-folder.ts'
import { importDataset } from '#core/data/import-dataset.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { recipe, recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import { createControl, obeyControl } from '../../../src/processes/trainer/control.ts'
import { openModel } from '../../../src/processes/trainer/open-model.ts'
import { prepareRows } from '../../../src/processes/trainer/prepare-rows.ts'
import { runTrainingJob, type TrainerHost } from '../../../src/processes/trainer/training-job.ts'
import { writeTinyModel } from '../tiny-model.ts'

vi.setConfig({ testTimeout: 120_000 })

interface Sample {
  readonly file: string
  readonly rows: readonly unknown[] | string
  /** What the first training row teaches, its end included. */
  readonly learnt: readonly string[]
}

const twelve = <T>(make: (i: number) => T): T[] => Array.from({ length: 12 }, (_, i) => make(i))
const end = '<|im_end|>'

const samples: Readonly<Record<ScenarioId, Sample>> = {
  classification: {
    file: 'a.jsonl',
    rows: twelve((i) => ({ text: `text ${i}`, label: i % 2 === 0 ? 'even' : 'odd' })),
    learnt: [`even${end}`, `odd${end}`],
  },
  'question-answering': {
    file: 'a.jsonl',
    rows: twelve((i) => ({ question: `How many ${i}?`, answer: 'Six.' })),
    learnt: [`Six.${end}`],
  },
  translation: {
    file: 'a.jsonl',
    rows: twelve((i) => ({ source: `Boat ${i}`, target: 'Ein Boot', target_lang: 'de' })),
    learnt: [`Ein Boot${end}`],
  },
  summarisation: {
    file: 'a.jsonl',
    rows: twelve((i) => ({ document: `Long text ${i}.\nIt goes on.`, summary: 'Short.' })),
    learnt: [`Short.${end}`],
  },
  'entity-recognition': {
    file: 'a.jsonl',
    rows: twelve((i) => ({ tokens: ['Anna', `saw`, `${i}`], tags: ['B-P', 'O', 'O'] })),
    learnt: [`P: Anna${end}`],
  },
  chatbot: {
    file: 'a.jsonl',
    rows: twelve((i) => ({
      messages: [
        { role: 'user', content: `Hello ${i}` },
        { role: 'assistant', content: 'First.' },
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: 'Second.' },
      ],
    })),
    learnt: [`First.${end}`, `Second.${end}`],
  },
  'creative-writing': {
    file: 'a.jsonl',
    rows: twelve((i) => ({ poem: `Waves,\nand wind ${i}.`, title: `Sea ${i}` })),
    learnt: twelve((i) => `Waves,\nand wind ${i}.${end}`),
  },
  code: {
    file: 'a.jsonl',
    rows: twelve((i) => ({ task: `Give ${i}.`, code: 'def f():\n    return 1', tests: ['assert f()'] })),
    learnt: [`def f():\n    return 1${end}`],
  },
  domain: {
    file: 'a.jsonl',
    rows: twelve((i) => ({ text: `Grease the thread ${i}.` })),
    learnt: twelve((i) => `Grease the thread ${i}.`),
  },
}

let library: Library
let weightsSha256: string
beforeAll(async () => {
  library = openLibrary(mkdtempSync(join(tmpdir(), 'tunewright-scenarios-')))
  const folder = writeTinyModel(join(library.modelsFolder, 'tiny'))
  weightsSha256 = await sha256File(join(folder, 'model.safetensors'))
})
afterAll(() => rmSync(library.home, { recursive: true, force: true }))

async function makeJob(scenario: ScenarioId): Promise<TrainerJob> {
  const { file, rows } = samples[scenario]
  const path = join(library.cacheFolder, `${scenario}-${file}`)
  writeFileSync(path, typeof rows === 'string' ? rows : rows.map((row) => JSON.stringify(row)).join('\n'))
  const data = recipeDraft.shape.data.parse({ path })
  const manifest = unwrap(await importDataset(library, data, scenario))
  const runFolder = join(library.runsFolder, scenario)
  mkdirSync(runFolder, { recursive: true })
  return {
    runId: scenario,
    modelFolder: join(library.modelsFolder, 'tiny'),
    datasetFolder: datasetFolder(library, manifest.fingerprint),
    runFolder,
    cacheFolder: library.cacheFolder,
    cacheLimitBytes: 1e9,
    firstSeq: 1,
    recipe: recipe.parse({
      version: 1,
      model: { id: 'tiny', weightsSha256 },
      data: { fingerprint: manifest.fingerprint },
      scenario,
      instruction: scenarioOf(scenario).defaultInstruction(manifest.facts ?? { labels: [] }),
      threads: 1,
      method: { kind: 'lora', rank: 2, alpha: 4, topLayers: 1 },
      batch: { microRows: 2, maxTokens: 400 },
      duration: { maxSteps: 1 },
      checkpoints: { everySeconds: null },
    }),
  }
}

describe.each(Object.keys(samples) as ScenarioId[])('%s', (scenario) => {
  let job: TrainerJob
  beforeAll(async () => {
    job = await makeJob(scenario)
  })

  test('only the answers are learnt, each with its end', async () => {
    const model = await openModel(job)
    const { train, validation, leftOut } = await prepareRows(job, model)
    expect(leftOut).toEqual([])
    expect(train.length).toBeGreaterThanOrEqual(8)
    expect(validation.length).toBeGreaterThan(0)
    const { learnt } = samples[scenario]
    for (const { ids, labels, rowId } of [...train, ...validation]) {
      const trained = Array.from(ids).filter((_, at) => labels[at] !== -100)
      expect(learnt).toContain(model.tokenizer.decode(trained))
      const before = model.tokenizer.decode(
        Array.from(ids).slice(
          0,
          Array.from(labels).findIndex((l) => l !== -100),
        ),
      )
      if (scenario === 'domain') expect(before).toBe(end)
      else expect(before).toMatch(/<\|im_start\|>assistant\n$/)
      if (rowId.endsWith('#2')) expect(before).toContain('First.')
    }
  })

  test('one step of training and its adapter', async () => {
    const events: TrainerEvent[] = []
    const host: TrainerHost = {
      ...obeyControl(createControl()),
      nowMs: () => performance.now(),
      backend: createOnnxBackend(),
      appVersion: 'test',
      peakResidentBytes: () => process.memoryUsage().rss,
      memory: null,
    }
    for await (const event of runTrainingJob(job, host)) events.push(event)
    expect(events.at(-1)).toMatchObject({ kind: 'finished', step: 1 })
    expect(events.find((event) => event.kind === 'step')).toMatchObject({ lossNats: expect.any(Number) })
  })
})

test('a model without a chat template learns plain texts, and refuses a conversation', async () => {
  const folder = writeTinyModel(join(library.modelsFolder, 'no-template'))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: end }))
  const jobOf = async (scenario: ScenarioId) => ({ ...(await makeJob(scenario)), modelFolder: folder })
  const texts = await jobOf('domain')
  const { train } = await prepareRows(texts, await openModel(texts))
  const spoken = await makeJob('domain')
  expect(train).toEqual((await prepareRows(spoken, await openModel(spoken))).train)
  const talk = await jobOf('chatbot')
  const problem = { code: 'template.invalid', message: expect.stringContaining('no chat template') }
  await expect(openModel(talk).then((model) => prepareRows(talk, model))).rejects.toMatchObject({ problem })
})

test('a row that is too long is left out with its reason, turn by turn', async () => {
  const job = await makeJob('chatbot')
  const model = await openModel(job)
  const whole = await prepareRows(job, model)
  const firstTurns = whole.train.filter(({ rowId }) => !rowId.includes('#'))
  const maxTokens = Math.max(...firstTurns.map(({ ids }) => ids.length))
  const short = { ...job, recipe: { ...job.recipe, batch: { ...job.recipe.batch, maxTokens } } }
  const { train, leftOut } = await prepareRows(short, model)
  expect(train.map(({ rowId }) => rowId)).toEqual(firstTurns.map(({ rowId }) => rowId))
  expect(leftOut.length).toBeGreaterThan(train.length)
  for (const { rowId, reason } of leftOut) {
    expect(rowId).toMatch(/#2$/)
    expect(reason).toContain(`; ${maxTokens} are allowed`)
  }
})
