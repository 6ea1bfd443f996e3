// The proof of a run: opens the locked test set, has both models answer it, and ends in a report and a verdict. Computes
// no model itself; writes nothing before everything is measured.
import { join } from 'node:path'
import type { TestSetOpening } from '#shared/dataset.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { HashedFolder, ProofReport, TunedVersion } from '#shared/proof-protocol.ts'
import type { Recipe, ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { readManifest, readSplit } from '../data/index.ts'
import { openTestSet } from '../data/test-set.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { sha256File } from '../system/durable-files.ts'
import type { Launcher } from '../system/launcher.ts'
import { classNamesOf } from '../training/class-names.ts'
import { hasClassHead } from '../training/method-of.ts'
import { tunedWeightsPath } from '../training/tuned-version.ts'
import { cancelledProblem } from './child-job.ts'
import { measureClasses } from './class-answers.ts'
import { measureAnswers, plainWay } from './measure-answers.ts'
import type { MeasuredAnswers, MeasureProgress } from './measured-answers.ts'
import { buildReport } from './report.ts'
import { type TrivialWay, trivialWay } from './trivial-answers.ts'

export interface ProofSpec {
  readonly runId: string
  readonly scenario: ScenarioId
  readonly method: Recipe['method']
  /** The model can be asked in a conversation. */
  readonly isAsked: boolean
  /** As in the run's recipe. */
  readonly instruction: string
  readonly model: HashedFolder
  readonly tuned: TunedVersion
  readonly datasetFolder: string
  /** The library's cacheFolder. */
  readonly cacheFolder: string
  readonly threads: number
  /** As in the run's recipe (batch.maxTokens): longer rows are left out with a reason. */
  readonly maxTokens: number
  /** Decides which rows each resample draws. */
  readonly seed: number
  /** Written answers are cut here; left out, at twice the longest expected answer and no earlier than 32. */
  readonly maxAnswerTokens?: number
}

/** Where a proof is kept. Both throw a ProblemError where it could not be made durable. */
export interface ProofJournal {
  /** Called, and awaited, before a single test row is read. */
  recordOpening(opening: TestSetOpening & { readonly runId: string }): Promise<void>
  /** Called once, at the end: everything of the report in one transaction, or nothing. */
  saveProof(runId: string, report: ProofReport): Promise<void>
}

export interface ProofProgress {
  readonly phase: 'opening' | MeasureProgress['phase'] | 'computing' | 'saving'
  /** Rows, answers or programs finished in this phase; total 0 where it has no steps. */
  readonly done: number
  readonly total: number
}

export interface ProofPorts {
  readonly launcher: Launcher
  readonly journal: ProofJournal
  readonly onProgress?: (progress: ProofProgress) => void
  /** Ends the proof as `proof.cancelled`; nothing is saved. */
  readonly signal?: AbortSignal
}

/**
 * Measures base and tuned on the test set and saves the report. Problems: those of measureAnswers, data.damaged and those
 * of the journal.
 */
export function proveRun(spec: ProofSpec, ports: ProofPorts): Promise<Result<ProofReport>> {
  return attemptAsync(async () => {
    const tell = (phase: ProofProgress['phase']) => ports.onProgress?.({ phase, done: 0, total: 0 })
    const startMs = performance.now()
    await requireUnchanged(spec)
    tell('opening')
    const { rows, labels } = await openRows(spec, ports)
    const trainingTexts = await readTrainingTexts(spec)
    throwIfAborted(ports)
    const measured = await measure(spec, ports, rows, labels)
    throwIfAborted(ports)
    tell('computing')
    const { scenario, seed } = spec
    const seconds = (performance.now() - startMs) / 1000
    const trivial = await trivialOf(spec)
    const without = notCompared(spec)
    const asked = { scenario, labels, trainingTexts, seed, trivial, without }
    const built = await buildReport(measured, asked, seconds)
    const report: ProofReport = { ...built, beside: besideOf(spec) }
    throwIfAborted(ports)
    tell('saving')
    await ports.journal.saveProof(spec.runId, report)
    return report
  })
}

/** What a new last layer is measured beside: an untrained one says nothing. */
const besideOf = ({ method, isAsked }: ProofSpec): ProofReport['beside'] =>
  hasClassHead(method) && !isAsked ? 'nearest-class' : 'model'

/** A model that is asked is surprised by tokens, its new last layer by labels. */
const notCompared = ({ method, isAsked }: ProofSpec): readonly MetricName[] =>
  hasClassHead(method) && isAsked ? ['lossNats', 'perplexity'] : []

async function trivialOf({ scenario, datasetFolder, instruction }: ProofSpec): Promise<TrivialWay | null> {
  if (scenario !== 'classification' && scenario !== 'entity-recognition') return null
  const rows = unwrap(await readSplit(datasetFolder, 'train'))
  const { toExamples } = scenarioOf(scenario)
  return trivialWay(
    scenario,
    rows.flatMap((row) => toExamples(row, instruction)),
  )
}

async function measure(
  spec: ProofSpec,
  ports: ProofPorts,
  rows: readonly DatasetRow[],
  labels: readonly string[] | null,
): Promise<MeasuredAnswers> {
  const asking = { ...spec, rows, labels, ways: [plainWay] }
  if (!hasClassHead(spec.method)) return unwrap(await measureAnswers(asking, ports))
  const classNames = classNamesOf(spec.scenario, unwrap(await readManifest(spec.datasetFolder)))
  const trainingRows = unwrap(await readSplit(spec.datasetFolder, 'train'))
  return measureClasses({ ...asking, classNames, trainingRows }, ports)
}

/** The figures are about these bytes and no others; the test set is not opened for anything else. */
async function requireUnchanged({ model, tuned }: ProofSpec): Promise<void> {
  const isSame = async (path: string, sha256: string) => (await sha256File(path).catch(() => null)) === sha256
  const weights = tunedWeightsPath(tuned)
  if (!(await isSame(weights, tuned.weightsSha256)))
    throw new ProblemError({
      code: 'checkpoint.damaged',
      message: 'What this run made of the model is missing or not what the run wrote.',
      where: weights,
      remedy: 'Train the run again: its recipe gives the same version.',
    })
  if (!(await isSame(join(model.folder, 'model.safetensors'), model.weightsSha256)))
    throw new ProblemError({
      code: 'model.damaged',
      message: "The model's weights are missing or not those that the run was trained with.",
      where: join(model.folder, 'model.safetensors'),
      remedy: 'Add the same model again under “Models”. If a damaged one stands there, remove it first.',
    })
}

function throwIfAborted({ signal }: ProofPorts): void {
  if (signal?.aborted) throw new ProblemError(cancelledProblem('proof'))
}

/** The test rows, and every label of the whole data set. */
async function openRows(
  spec: ProofSpec,
  { journal }: ProofPorts,
): Promise<{ rows: DatasetRow[]; labels: readonly string[] | null }> {
  const { labels, counts } = unwrap(await readManifest(spec.datasetFolder))
  if (counts.test === 0) throw noTestRows
  const record = (opening: TestSetOpening) => journal.recordOpening({ ...opening, runId: spec.runId })
  return { rows: unwrap(await openTestSet(spec.datasetFolder, record)), labels }
}

const noTestRows = new ProblemError({
  code: 'data.too-few-rows',
  message: 'The test set of this data has no rows.',
  where: 'the test set',
  remedy: 'Bring more rows, or set a larger share of them aside for the test.',
})

/** What was learnt from, where a metric looks at it. */
async function readTrainingTexts({ scenario, datasetFolder, instruction }: ProofSpec): Promise<string[]> {
  const { metrics, toExamples } = scenarioOf(scenario)
  if (!metrics.includes('memorisedSpans') && !metrics.includes('formKept')) return []
  const rows = unwrap(await readSplit(datasetFolder, 'train'))
  return rows.flatMap((row) => toExamples(row, instruction).map(({ answer }) => answer))
}
