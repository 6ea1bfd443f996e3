// What a first stage does on the real starter model: answers of a Perl FAQ as plain texts, then questions and answers of
// the same FAQ; other answers of it are held back and measured as texts. Beside runs without the first stage: one with the
// same steps on the examples, one with as many steps in all. Minutes.
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { datasetFolder } from '#core/data/dataset-folder.ts'
import { importDataset } from '#core/data/import-dataset.ts'
import { importModel } from '#core/models/import-model.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore } from '#shared/proof-protocol.ts'
import { type Recipe, recipe, recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import { eventsIn, finishedOf, runTrainer } from '../processes/trainer/trainer-process.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

const gguf = findStarterGguf()
const faq = findShared('realdata/qa_faq_perl.jsonl')
const maxTokens = 300

interface Figures {
  readonly heldBack: { readonly base: number; readonly tuned: number }
  /** On validation rows, questions and answers: at each measurement. */
  readonly measured: readonly number[]
  readonly textLosses: readonly number[]
  readonly peakMib: number
  readonly notices: readonly string[]
}

describe.skipIf(gguf === null || faq === null)('a first stage on texts of the field', () => {
  if (gguf === null || faq === null) return
  const rows = readFileSync(faq, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { question: string; answer: string })
    // Whole answers of a size that all parts can use.
    .filter(({ answer }) => answer.length > 150 && answer.length < 500)
  const part = (wanted: (at: number) => boolean) => rows.filter((_, at) => wanted(at % 6))
  const texts = part((at) => at < 3)
  const examples = part((at) => at === 3 || at === 4)
  const heldBack = part((at) => at === 5)
  let library: Library
  let model: { readonly id: string; readonly weightsSha256: string }
  const found: Figures[] = []

  const importRows = async (name: string, of: readonly object[], scenario: ScenarioId, shares: object) => {
    const path = join(library.cacheFolder, `${name}.jsonl`)
    await writeFile(path, of.map((row) => JSON.stringify(row)).join('\n'))
    return unwrap(await importDataset(library, recipeDraft.shape.data.parse({ path, ...shares }), scenario))
      .fingerprint
  }

  async function train(
    runId: string,
    data: string,
    before: Recipe['before'],
    epochs: number,
  ): Promise<Figures> {
    const runFolder = join(library.runsFolder, runId)
    await mkdir(runFolder, { recursive: true })
    const job: TrainerJob = {
      runId,
      modelFolder: join(library.modelsFolder, model.id),
      datasetFolder: datasetFolder(library, data),
      ...(before && { beforeFolder: datasetFolder(library, before.fingerprint) }),
      runFolder,
      cacheFolder: library.cacheFolder,
      cacheLimitBytes: 1e9,
      firstSeq: 1,
      recipe: recipe.parse({
        version: 1,
        model,
        data: { fingerprint: data },
        before,
        scenario: 'question-answering',
        instruction: 'Answer the question.',
        threads: 2,
        optimizer: { learningRate: 4e-4 },
        batch: { microRows: 4, maxTokens },
        duration: { epochs },
        evaluation: { everySteps: 5, patience: null },
      }),
    }
    const events = eventsIn((await runTrainer(job)).messages)
    const { adapterSha256, peakResidentBytes } = finishedOf(events)
    const pick = <T>(of: (event: TrainerEvent) => T | null): T[] =>
      events.map(of).filter((value): value is T => value !== null)
    return {
      heldBack: await measureTexts(job, adapterSha256!),
      measured: pick((event) => (event.kind === 'evaluation' ? event.lossNats : null)),
      textLosses: pick((event) => (event.kind === 'step' && event.stage === 1 ? event.lossNats : null)),
      peakMib: peakResidentBytes / 2 ** 20,
      notices: pick((event) => (event.kind === 'notice' ? event.text : null)),
    }
  }

  /** Nats a token of the held-back texts, of the base model and of what the run kept. */
  async function measureTexts(job: TrainerJob, weightsSha256: string): Promise<Figures['heldBack']> {
    const scores: RowScore[] = []
    await scoreRows(
      {
        modelFolder: job.modelFolder,
        tuned: { kind: 'adapter', folder: join(job.runFolder, 'adapter'), weightsSha256 },
        rows: heldBack.map(({ answer }, at) => ({ rowId: String(at), prompt: [], answer })),
        threads: 2,
        maxTokens,
        workFolder: library.cacheFolder,
        labels: null,
      },
      createOnnxBackend(),
      {
        emit: async (event) => {
          if (event.kind === 'scores') scores.push(...event.rows)
        },
        signal: new AbortController().signal,
      },
    )
    const tokens = scores.reduce((sum, { answerTokens }) => sum + answerTokens, 0)
    const mean = (side: 'base' | 'tuned') =>
      scores.reduce((sum, row) => sum + row[side]!.lossNats, 0) / tokens
    return { base: mean('base'), tuned: mean('tuned') }
  }

  beforeAll(async () => {
    library = openLibrary(await mkdtemp(join(tmpdir(), 'tunewright-two-stages-')))
    const { id, weightsSha256 } = unwrap(await importModel(library, gguf))
    model = { id, weightsSha256 }
    const data = await importRows('examples', examples, 'question-answering', {
      columns: { question: 'question', answer: 'answer' },
      validationShare: 0.25,
      testShare: 0,
    })
    const fingerprint = await importRows(
      'texts',
      texts.map(({ answer }) => ({ text: answer })),
      'domain',
      { validationShare: 0, testShare: 0 },
    )
    found.push(await train('alone', data, null, 2))
    found.push(await train('as-long', data, null, 6))
    found.push(await train('after-texts', data, { fingerprint, epochs: 2, learningRate: null }, 2))
    console.info(
      `${texts.length} texts, ${examples.length} examples, ${heldBack.length} held back\n${JSON.stringify(found, null, 1)}`,
    )
  }, 3_600_000)
  afterAll(() => rm(library.home, { recursive: true, force: true }))

  test('lowers the loss on other texts of it more than the examples alone do', () => {
    const [alone, asLong, after] = found.map(({ heldBack: measured }) => measured)
    expect(after!.base).toBeCloseTo(alone!.base, 6)
    expect(after!.tuned).toBeLessThan(alone!.tuned)
    expect(after!.tuned).toBeLessThan(asLong!.tuned)
    expect(after!.tuned).toBeLessThan(after!.base)
  })

  test('is seen on the examples at the border, before their first step', () => {
    const [alone, , after] = found
    expect(after!.measured[0]).toBeLessThan(alone!.measured[0]!)
  })
})
