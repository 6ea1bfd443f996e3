// One run of the epoch benchmark as the product does it: rows through the trainer's own path, and the real trainer in a
// process of its own, whose events are timed as they come.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetFolder } from '#core/data/dataset-folder.ts'
import { importDataset } from '#core/data/import-dataset.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { instructionOf } from '#core/training/prepare-run.ts'
import type { EncodedRow } from '#engine/train/collate.ts'
import { openModel } from '#processes/trainer/open-model.ts'
import { prepareRows } from '#processes/trainer/prepare-rows.ts'
import { type Recipe, recipeDraft, recipe as recipeSchema } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { type TrainerJob, type TrainerMessage, trainerEvent } from '#shared/trainer-protocol.ts'
import { findShared } from '../tests/support/models.ts'
import { openBenchLibrary, placeModel } from './memory-library.ts'

const sources = {
  spam: { file: 'classification_spam.jsonl', scenario: 'classification' },
  mt: { file: 'mt_xquad.jsonl', scenario: 'translation' },
  faq: { file: 'qa_faq_perl.jsonl', scenario: 'question-answering' },
} as const

export type EpochData = keyof typeof sources

/** What ours and PEFT have in common. */
export const usual = { batchRows: 8, learningRate: 2e-4, warmupShare: 0.05, seed: 42 } as const
const mostTokens = 512

export interface EpochCase {
  readonly job: TrainerJob
  readonly train: readonly EncodedRow[]
  readonly validation: readonly EncodedRow[]
}

export interface EpochFigures {
  /** Training alone: what is measured or saved in between is left out. */
  readonly epochsMs: readonly number[]
  /** On the validation rows: before training, and after each epoch. */
  readonly lossesNats: readonly number[]
  readonly peakMib: number
}

/** `mostRows` of a file, split and tokenised as for any run. */
export async function openEpochCase(data: EpochData, mostRows: number, threads: number): Promise<EpochCase> {
  const library = openBenchLibrary()
  const { file, scenario } = sources[data]
  const source = findShared(`realdata/${file}`)
  if (source === null) throw new Error('the benchmark needs ../shared/realdata')
  const all = (await readFile(source, 'utf8')).trimEnd().split('\n')
  // Spread over the file: long rows lie together in it.
  const count = Math.min(mostRows, all.length)
  const lines = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!)
  const path = join(library.cacheFolder, `epoch-${data}-${lines.length}.jsonl`)
  await writeFile(path, `${lines.join('\n')}\n`)
  const manifest = unwrap(await importDataset(library, recipeDraft.shape.data.parse({ path }), scenario))
  const model = await placeModel(library, 'starter')
  const recipe = recipeSchema.parse({
    version: 1,
    model: { id: model.id, weightsSha256: model.weightsSha256 },
    data: { fingerprint: manifest.fingerprint },
    scenario,
    instruction: instructionOf({ scenario, instruction: null, language: 'en' }, manifest),
    threads,
    seed: usual.seed,
    optimizer: { learningRate: usual.learningRate },
    schedule: { warmupShare: usual.warmupShare },
    batch: { microRows: usual.batchRows, maxTokens: mostTokens, packing: true },
  })
  const job: TrainerJob = {
    runId: 'bench',
    recipe,
    modelFolder: model.folder,
    datasetFolder: datasetFolder(library, manifest.fingerprint),
    runFolder: await emptyRunFolder(library),
    cacheFolder: library.cacheFolder,
    cacheLimitBytes: 20e9,
    firstSeq: 1,
  }
  const rows = await prepareRows(job, await openModel(job))
  const [train, validation] = [[...rows.train], [...rows.validation]].map(copied) as [
    EncodedRow[],
    EncodedRow[],
  ]
  rows.close()
  return { job, train, validation }
}

const copied = (rows: readonly EncodedRow[]): EncodedRow[] =>
  rows.map(({ rowId, ids, labels }) => ({ rowId, ids: Array.from(ids), labels: Array.from(labels) }))

async function emptyRunFolder(library: Library): Promise<string> {
  const folder = join(library.runsFolder, `epoch-${process.pid}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return folder
}

type Changes = Pick<Recipe, 'gradientCheckpointing' | 'reuseFrozenLayers'> & {
  readonly topLayers: number | null
  /** How frozen weights are kept. */
  readonly base: Recipe['method']['base']
  readonly epochs: number
  /** What else of the recipe is another. */
  readonly change?: (recipe: Recipe) => Recipe
}

/** Trains and tells the time of each epoch. Throws where the run does not come to its end. */
export async function trainEpochs({ job, train }: EpochCase, changes: Changes): Promise<EpochFigures> {
  const { epochs, topLayers, base, change = (recipe) => recipe, ...rest } = changes
  const stepsPerEpoch = Math.ceil(train.length / usual.batchRows)
  await rm(job.runFolder, { recursive: true, force: true })
  await mkdir(job.runFolder, { recursive: true })
  return watch(stepsPerEpoch, {
    ...job,
    recipe: change({
      ...job.recipe,
      ...rest,
      method: { ...job.recipe.method, topLayers, base },
      duration: { epochs, maxSteps: null },
      evaluation: { ...job.recipe.evaluation, everySteps: stepsPerEpoch, patience: null },
      checkpoints: { everySeconds: null, everySteps: null, keepLast: 1 },
    }),
  })
}

function watch(stepsPerEpoch: number, job: TrainerJob): Promise<EpochFigures> {
  const child = createNodeLauncher().launch('trainer')
  const epochsMs: number[] = []
  const lossesNats: number[] = []
  let sinceMs = 0
  let peakMib: number | null = null
  let failure = ''
  child.onMessage((raw) => {
    const event = trainerEvent.parse((raw as TrainerMessage).event)
    const nowMs = performance.now()
    if (event.kind === 'phase' && event.phase === 'training') sinceMs = nowMs
    if (event.kind === 'step') {
      const epoch = Math.floor((event.step - 1) / stepsPerEpoch)
      epochsMs[epoch] = (epochsMs[epoch] ?? 0) + nowMs - sinceMs
      sinceMs = nowMs
    }
    if (event.kind === 'evaluation') lossesNats.push(event.lossNats)
    if (event.kind === 'finished') peakMib = event.peakResidentBytes / 1024 ** 2
    if (event.kind === 'failed') failure = JSON.stringify(event.problem)
  })
  child.send({ kind: 'start', job })
  return new Promise((resolve, reject) => {
    child.onExit((exit) => {
      if (peakMib === null)
        reject(new Error(`the trainer did not finish: ${failure} ${JSON.stringify(exit)}`))
      else resolve({ epochsMs, lossesNats, peakMib })
    })
  })
}
